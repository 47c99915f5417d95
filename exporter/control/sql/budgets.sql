-- What was spent, by local day, for as long as anybody asks; and what was told of it. Money is whole nano-dollars,
-- times are Unix nanoseconds, days and periods are half-open.

-- An account is a scope in a time zone, as text. Its days are written anew whenever the data behind them change, for as
-- long as the data are there; after that they stay as they are.
CREATE TABLE budget_days (
    account TEXT NOT NULL,
    day_start INTEGER NOT NULL,
    day_end INTEGER NOT NULL,
    nanos INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account, day_start)
) WITHOUT ROWID;

-- What a budget meant, and since when; an edit of more than its labels makes the next one. `retired_at` is set while no
-- file and nobody declares it.
CREATE TABLE budget_generations (
    budget TEXT NOT NULL,
    generation INTEGER NOT NULL,
    meaning TEXT NOT NULL,
    account TEXT NOT NULL,
    scope TEXT NOT NULL,
    limit_nanos INTEGER NOT NULL,
    per TEXT NOT NULL,
    zone TEXT NOT NULL,
    since INTEGER NOT NULL,
    retired_at INTEGER,
    PRIMARY KEY (budget, generation)
) WITHOUT ROWID;

-- `closed_nanos` is what was spent when it closed, a few minutes after its end; what comes to `nanos` later is late.
-- A frozen one does not change any more. `shown_at` is when its projection was worked out.
CREATE TABLE budget_periods (
    budget TEXT NOT NULL,
    generation INTEGER NOT NULL,
    period_start INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    nanos INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    closed_nanos INTEGER,
    frozen_at INTEGER,
    updated_at INTEGER NOT NULL,
    shown_at INTEGER,
    expected_nanos INTEGER,
    low_nanos INTEGER,
    high_nanos INTEGER,
    gone_at INTEGER,
    PRIMARY KEY (budget, generation, period_start)
) WITHOUT ROWID;

-- Each threshold once a period. `told` is 1 where a notice named it: the highest of those that were crossed at once.
CREATE TABLE budget_events (
    budget TEXT NOT NULL,
    generation INTEGER NOT NULL,
    period_start INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    basis TEXT NOT NULL,
    at INTEGER NOT NULL,
    nanos INTEGER NOT NULL,
    limit_nanos INTEGER NOT NULL,
    late INTEGER NOT NULL,
    told INTEGER NOT NULL,
    UNIQUE (budget, generation, period_start, threshold, basis)
);

-- Budgets made over the API. `definition` is a budget as JSON: what exporter.budget.budget.Budget reads; what
-- exporter.budget.kept reads and writes. `by` is who wrote it last, where it is known.
CREATE TABLE kept_budgets (
    name TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    by TEXT
) STRICT, WITHOUT ROWID;
