-- The upper bound of the bucket of a histogram with the nearest rank of p (0 to 1); `value_buckets` of cells, also of
-- several strung together. The value is at most that, and more than the bound before it.
CREATE MACRO bound_quantile(bounds, p) AS
    nearest_rank(list_transform(bounds, lambda one: {'bucket': one.bound, 'count': one.count}), p);
