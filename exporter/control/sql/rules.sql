-- Rules made over the API, and rules of any origin that somebody turned on or off. Times are Unix nanoseconds.
-- What exporter.alert.kept reads and writes.

-- `definition` is a rule as JSON: what exporter.alert.rule.Rule reads. `by` is who wrote it last, where it is known.
CREATE TABLE kept_rules (
    "group" TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    by TEXT,
    PRIMARY KEY ("group", name)
) STRICT, WITHOUT ROWID;

-- What somebody's hand says over what the rule says by itself; of rules that are gone too, should they come back.
CREATE TABLE rule_switches (
    rule_id TEXT PRIMARY KEY,
    enabled INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by TEXT
) STRICT, WITHOUT ROWID;
