-- The catalog of format 1: which segments there are, and up to where the journal is in them.
-- `seal` is a checksum over the row's other columns: SQLite's own check does not see a flipped bit in a value.

CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL, -- of the journal: all before it is in segments
    counts TEXT NOT NULL,      -- the writer's counters, as JSON
    seal TEXT NOT NULL
) STRICT;

CREATE TABLE segments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,  -- of its file
    "table" TEXT NOT NULL,
    tenant TEXT NOT NULL,
    day TEXT NOT NULL,          -- of its partition: YYYY-MM-DD
    hour INTEGER,               -- of its partition; NULL: the whole day
    level INTEGER NOT NULL,     -- 0 fresh, 1 merged, 2 its closed hour, 3 its closed day
    position INTEGER NOT NULL,  -- of the journal, up to which its rows come from
    columns INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    checksum TEXT NOT NULL,     -- xxh3_128 of the whole file, hex
    min_time INTEGER NOT NULL,  -- least effective time, Unix nanoseconds
    max_time INTEGER NOT NULL,  -- greatest
    created INTEGER NOT NULL,   -- Unix nanoseconds
    verified INTEGER NOT NULL,  -- when the checksum was last found right, Unix nanoseconds
    state TEXT NOT NULL CHECK (state IN ('live', 'dead', 'quarantined')),
    ended INTEGER NOT NULL,     -- when it stopped to be live, Unix nanoseconds; 0: it is
    seal TEXT NOT NULL
) STRICT;
