-- The start of the cell of `seconds` that a time (TIMESTAMPTZ) is in.
CREATE MACRO cell_time(time, seconds) AS make_timestamptz(epoch_us(time) // (seconds::BIGINT * 1000000) * (seconds::BIGINT * 1000000));
