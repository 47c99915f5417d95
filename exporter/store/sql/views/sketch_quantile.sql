-- A percentile of durations in nanoseconds, at most 1.1 % from that of the nearest rank: p (0 to 1) of the durations in
-- `latency_buckets`, or in those of several cells: `sketch_quantile(flatten(list(latency_buckets)), 0.95)`.
CREATE MACRO sketch_quantile(buckets, p) AS sketch_value(nearest_rank(buckets, p));
