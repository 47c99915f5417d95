"""What people declare in `rules/*.yaml`: alert rules, budgets, channels and routes.

In: text. Out: models, or every mistake with its line and column.
"""

from exporter.rules.problems import BadRules, Problem
from exporter.rules.read import Document, read, read_directory
from exporter.rules.words import Declared, Duration, Money, Secret, Texts, mistakes

__all__ = [
    "BadRules",
    "Declared",
    "Document",
    "Duration",
    "Money",
    "Problem",
    "Secret",
    "Texts",
    "mistakes",
    "read",
    "read_directory",
]
