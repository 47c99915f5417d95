"""What people declare in `rules/*.yaml`: alert rules, budgets, channels and routes.

In: text. Out: models, or every mistake with its line and column.
"""
