-- `sketch_quantile` in whole nanoseconds, and never beyond the shortest and the longest duration.
CREATE MACRO latency_quantile(buckets, p, shortest, longest) AS
    greatest(shortest, least(longest, round(sketch_quantile(buckets, p))))::BIGINT;
