-- The duration, in nanoseconds, that stands for a bucket of a sketch: at most 1.09 % from any duration in it.
-- Buckets: 32 for each doubling, so that bucket i ends at 2^(i/32); -1 is for what took no time.
CREATE MACRO sketch_value(bucket) AS
    CASE WHEN bucket < 0 THEN 0.0 ELSE 2 ** (bucket / 32.0) * (2 / (1 + 2 ** (1 / 32.0))) END;
