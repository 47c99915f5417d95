"""What is unusual, where it goes, and what could be cheaper.

In: rollups. Out: anomalies, trends, projections with their intervals, advice.

A rule whose condition is `anomaly: true` is `unusual(views, NAME, T, by=…, where=…)`: one group each, met where
`now.state` is `high` or `low`, without data where it is `learning`; `now.deviation` is its value, in widths of bounds.
"""
