-- Health. Times are Unix nanoseconds. What exporter.health.events reads and writes.

-- The state in which each component was when it was last looked at, and since when.
CREATE TABLE health_components (
    component TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('healthy', 'degraded', 'unhealthy')),
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Changes of those, in the order in which they were seen; a state is NULL where there was no such component.
CREATE TABLE health_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    component TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX health_events_of ON health_events (component);
CREATE INDEX health_events_at ON health_events (at);
