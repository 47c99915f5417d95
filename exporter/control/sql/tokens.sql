-- Tokens. Times are Unix nanoseconds. What exporter.auth.tokens reads and writes.

-- Of a token itself only `digest` is kept, the SHA-256 of its text. `scopes` are words with commas between; of a token
-- with a `tenant` it is that tenant's data alone. A name belongs to one token that is not revoked.
CREATE TABLE tokens (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    scopes TEXT NOT NULL,
    tenant TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS tokens_by_name ON tokens (name) WHERE revoked_at IS NULL;
