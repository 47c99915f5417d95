-- The bucket with the nearest rank of p (0 to 1), of `[{bucket, count}, …]` in any order, also of several sketches strung
-- together; NULL where nothing is counted. Steps through the list: for groups of thousands of cells, unnest and sum.
CREATE MACRO nearest_rank(buckets, p) AS
    list_reduce(
        list_sort(buckets),
        lambda found, one: CASE
            WHEN found.count >= 0 THEN found
            ELSE {'bucket': one.bucket, 'count': found.count + one.count}
        END,
        {
            'bucket': CASE WHEN false THEN buckets[1].bucket END,
            'count': -greatest(1, ceil(p * list_sum(list_transform(buckets, lambda one: one.count))))::BIGINT
        }
    ).bucket;
