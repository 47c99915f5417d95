"""Benches that print what was measured: `python -m tests.bench NAME [--json]`. They never fail a build by time.

In: a machine. Out: medians of several rounds, as a table or as one JSON object.
"""
