"""Rules that watch what is stored: when something is true for long enough, somebody is told.

In: rules, answers to their questions, the time. Out: instances, and what changed about them; nothing is sent here.
"""
