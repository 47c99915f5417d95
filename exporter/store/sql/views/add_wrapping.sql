-- The sum of two BIGINTs modulo 2^64, as a signed number: an end is its start plus its duration, whatever was sent.
CREATE MACRO add_wrapping(a, b) AS
    CASE
        WHEN a BETWEEN -4611686018427387904 AND 4611686018427387903
            AND b BETWEEN -4611686018427387904 AND 4611686018427387903 THEN a + b
        ELSE (
            (a::HUGEINT + b::HUGEINT + 27670116110564327424) % 18446744073709551616 - 9223372036854775808
        )::BIGINT
    END;
