-- Alerts. Times are Unix nanoseconds; labels and annotations are JSON objects of text, sorted by name.
-- What exporter.alert.saved reads and writes.

-- What the next evaluation of a rule needs to know: the fields of exporter.alert.shapes.Instance.
CREATE TABLE alert_instances (
    fingerprint TEXT PRIMARY KEY,
    rule_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    episode TEXT,
    severity TEXT,
    active_at INTEGER,
    fired_at INTEGER,
    keep_since INTEGER,
    milder_since INTEGER,
    missed INTEGER NOT NULL,
    value REAL,
    threshold REAL,
    acknowledged_by TEXT,
    acknowledged_at INTEGER,
    resolved_at INTEGER,
    evaluated_at INTEGER,
    expression TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_instances_of_rule ON alert_instances (rule_id);
CREATE INDEX alert_instances_of_episode ON alert_instances (episode);

-- One row an episode, from pending to resolved; the row of one that never fired goes when it is dropped.
-- `id` is the beginning of the episode.
CREATE TABLE alerts (
    episode TEXT PRIMARY KEY,
    id TEXT NOT NULL GENERATED ALWAYS AS (substr(episode, 1, 12)) STORED,
    rule_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'firing', 'acknowledged', 'resolved')),
    severity TEXT NOT NULL,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL,
    value REAL,
    threshold REAL,
    started_at INTEGER NOT NULL,
    fired_at INTEGER,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    resolved_at INTEGER,
    resolved_by TEXT,
    reason TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_by_state ON alerts (state, started_at);
CREATE INDEX alerts_of_rule ON alerts (rule_id);
CREATE INDEX alerts_by_end ON alerts (resolved_at) WHERE resolved_at IS NOT NULL;

-- What changed, in the order in which it was committed; the fields of exporter.alert.shapes.Change.
CREATE TABLE alert_history (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    episode TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    transition TEXT NOT NULL,
    at INTEGER NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    severity TEXT NOT NULL,
    value REAL,
    threshold REAL,
    by TEXT,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX alert_history_of ON alert_history (episode);
CREATE INDEX alert_history_at ON alert_history (at);

-- The rules that are evaluated now, from files, the API and ourselves, and how their last evaluation went.
-- `definition` is the rule as JSON, `unit` that of its values (ns, usd_nanos, ratio, …); `health` is new, ok, error or off; `took_ns` is what asking and judging took.
CREATE TABLE alert_rules (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    "group" TEXT NOT NULL,
    source TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    severity TEXT NOT NULL,
    unit TEXT NOT NULL,
    interval_ns INTEGER NOT NULL,
    window_ns INTEGER NOT NULL,
    for_ns INTEGER NOT NULL,
    description TEXT NOT NULL,
    labels TEXT NOT NULL,
    definition TEXT NOT NULL,
    health TEXT NOT NULL DEFAULT 'new',
    error TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0,
    missed INTEGER NOT NULL DEFAULT 0,
    evaluated_at INTEGER,
    took_ns INTEGER
) STRICT, WITHOUT ROWID;
