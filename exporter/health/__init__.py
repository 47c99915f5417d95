"""Whether the server and what it observes are well, part by part.

In: figures, the machine, provider calls, the time. Out: states with a sentence each, and their changes.
"""
