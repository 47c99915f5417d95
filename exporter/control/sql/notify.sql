-- Notices. Times are Unix nanoseconds; labels are JSON lists of pairs. What exporter.notify.outbox reads and writes.

-- What a channel is to know of an episode of an alert, and what it was told. `kind` is alert or no_data; `change` is
-- the newest exporter.alert.shapes.Change. `due_at` is when there is something to say, NULL when there is not;
-- `free_at` is before when it may not be said, whatever else of its group is (cooldown, repeats); `tries` counts what
-- was given up.
CREATE TABLE IF NOT EXISTS notify_lines (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    episode TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('alert', 'no_data')),
    fingerprint TEXT NOT NULL,
    group_key TEXT NOT NULL,
    group_labels TEXT NOT NULL,
    change TEXT NOT NULL,
    severity TEXT NOT NULL,
    is_over INTEGER NOT NULL DEFAULT 0,
    is_acknowledged INTEGER NOT NULL DEFAULT 0,
    since INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    group_wait_ns INTEGER NOT NULL,
    group_interval_ns INTEGER NOT NULL,
    repeat_interval_ns INTEGER NOT NULL,
    cooldown_ns INTEGER NOT NULL,
    told_at INTEGER,
    told_severity TEXT,
    told_acknowledged INTEGER NOT NULL DEFAULT 0,
    told_over INTEGER NOT NULL DEFAULT 0,
    repeats INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    free_at INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    batch INTEGER REFERENCES notify_batches (number) ON DELETE SET NULL,
    UNIQUE (channel, episode, kind)
) STRICT;
CREATE INDEX IF NOT EXISTS notify_lines_due ON notify_lines (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS notify_lines_of_fingerprint ON notify_lines (channel, fingerprint);
CREATE INDEX IF NOT EXISTS notify_lines_of_group ON notify_lines (channel, group_key);
CREATE INDEX IF NOT EXISTS notify_lines_of_episode ON notify_lines (episode);
CREATE INDEX IF NOT EXISTS notify_lines_of_batch ON notify_lines (batch) WHERE batch IS NOT NULL;

-- When something of a group last went out.
CREATE TABLE IF NOT EXISTS notify_groups (
    channel TEXT NOT NULL,
    group_key TEXT NOT NULL,
    flushed_at INTEGER NOT NULL,
    PRIMARY KEY (channel, group_key)
) STRICT, WITHOUT ROWID;

-- What is sent: fixed and committed before it is, so that after a crash the same goes out again with the same key.
-- `is_maybe`: an attempt ended so that the service may have it all the same. `status` is what it answered.
CREATE TABLE IF NOT EXISTS notify_batches (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    channel TEXT NOT NULL,
    group_labels TEXT NOT NULL,
    notices TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sending', 'waiting', 'sent', 'dead', 'cancelled', 'retried')),
    is_maybe INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT '',
    ended_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS notify_batches_open ON notify_batches (channel, next_at) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS notify_batches_ended ON notify_batches (ended_at) WHERE ended_at IS NOT NULL;

-- How a channel does; `failed_at` is when its open AxNotifierFailed began.
CREATE TABLE IF NOT EXISTS notify_channels (
    name TEXT PRIMARY KEY,
    paused_until INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT '',
    status_at INTEGER,
    failed_at INTEGER
) STRICT, WITHOUT ROWID;

-- Silences: what matches all of `matchers` (JSON list of [name, operator, value]) is not told from start to end.
CREATE TABLE IF NOT EXISTS silences (
    id TEXT PRIMARY KEY,
    matchers TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    by TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS silences_by_end ON silences (ends_at);
