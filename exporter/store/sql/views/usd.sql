-- US dollars, DECIMAL(18, 9), of integer nano-dollars; NULL beyond a thousand million dollars.
CREATE MACRO usd(nanos) AS TRY_CAST(nanos * 0.000000001::DECIMAL(10, 9) AS DECIMAL(18, 9));
