"""What may be spent, and what has been.

In: costs as they are stored. Out: a ledger that outlives them, and events when a threshold is crossed.
"""
