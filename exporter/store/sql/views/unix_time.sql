-- The TIMESTAMPTZ of Unix nanoseconds; negative ones are unsigned numbers from 2^63 up (the year 2262).
CREATE MACRO unix_time(unix_nano) AS
    make_timestamptz(
        CASE
            WHEN unix_nano >= 0 THEN unix_nano // 1000
            ELSE ((unix_nano::HUGEINT + 18446744073709551616) // 1000)::BIGINT
        END
    );
