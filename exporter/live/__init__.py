"""What is new: one question a publication for all who want to know the same.

In: subscriptions, publications. Out: what there is, then what came since.
"""
