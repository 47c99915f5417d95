"""What is unusual, where it goes, and what could be cheaper.

In: rollups. Out: anomalies, trends, projections with their intervals, advice.
"""
