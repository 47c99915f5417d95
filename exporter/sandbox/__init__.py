"""SQL of people we do not know, in a process of its own that can be killed.

In: a statement. Out: rows within limits, or a refusal.
"""
