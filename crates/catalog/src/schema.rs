//! The tables, as steps that are applied in order and never edited once they have shipped.

/// The owner under which the engine's store records how many steps of [`SCHEMA`] are applied.
pub const SCHEMA_OWNER: &str = "catalog";

/// The steps of the schema, oldest first.
pub const SCHEMA: &[&str] = &[V1, V2, V3];

/// Digests are text as they are printed (`sha256:...`), so that the file can be read with the
/// sqlite3 shell when everything else is on fire. `AUTOINCREMENT` keeps a volume's id from being
/// given out twice: a thin id that comes back could name another volume's blocks.
const V1: &str = "
CREATE TABLE blobs (
    digest        TEXT PRIMARY KEY,
    size          INTEGER NOT NULL CHECK (size >= 0),
    diff_id       TEXT,
    unpacked_size INTEGER CHECK (unpacked_size >= 0),
    stored_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE pins (
    origin    TEXT NOT NULL,
    key       TEXT NOT NULL,
    etag      TEXT,
    size      INTEGER NOT NULL CHECK (size >= 0),
    digest    TEXT NOT NULL,
    pinned_at INTEGER NOT NULL,
    PRIMARY KEY (origin, key)
) STRICT;
CREATE INDEX pins_by_etag ON pins (origin, etag, size);

CREATE TABLE volumes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('base', 'disk')),
    state      TEXT NOT NULL CHECK (state IN ('reserved', 'created', 'sealed', 'deleting')),
    parent     INTEGER REFERENCES volumes (id),
    size       INTEGER NOT NULL CHECK (size > 0),
    chain      TEXT,
    format     INTEGER,
    policy     TEXT,
    used       INTEGER,
    totals     TEXT,
    path       TEXT,
    run        INTEGER,
    created_at INTEGER NOT NULL,
    CHECK (state <> 'sealed' OR (chain IS NOT NULL AND format IS NOT NULL AND policy IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX volumes_by_seal ON volumes (chain, format, size, policy)
    WHERE state = 'sealed';
CREATE INDEX volumes_by_parent ON volumes (parent);

CREATE TABLE images (
    id         INTEGER PRIMARY KEY,
    origin     TEXT NOT NULL,
    name       TEXT NOT NULL,
    generation INTEGER NOT NULL CHECK (generation >= 1),
    run        INTEGER NOT NULL,
    chain      TEXT,
    volume     INTEGER REFERENCES volumes (id),
    created_at INTEGER NOT NULL,
    UNIQUE (origin, name, generation)
) STRICT;
CREATE INDEX images_by_volume ON images (volume);

CREATE TABLE layers (
    image    INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    key      TEXT NOT NULL,
    etag     TEXT,
    size     INTEGER NOT NULL CHECK (size >= 0),
    digest   TEXT,
    diff_id  TEXT,
    report   TEXT,
    PRIMARY KEY (image, position)
) STRICT;
CREATE INDEX layers_by_digest ON layers (digest);

CREATE TABLE decisions (
    image      INTEGER PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
    verdict    TEXT NOT NULL CHECK (verdict IN ('unscanned', 'ready', 'vulnerable', 'unproven')),
    admitted   INTEGER NOT NULL CHECK (admitted IN (0, 1)),
    report     TEXT NOT NULL,
    decided_at INTEGER NOT NULL
) STRICT;

CREATE TABLE machines (
    name       TEXT PRIMARY KEY,
    image      INTEGER NOT NULL REFERENCES images (id),
    base       INTEGER NOT NULL REFERENCES volumes (id),
    disk       INTEGER NOT NULL UNIQUE REFERENCES volumes (id),
    state      TEXT NOT NULL CHECK (state IN ('reserved', 'created', 'active', 'deleting')),
    path       TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX machines_by_image ON machines (image);
CREATE INDEX machines_by_base ON machines (base);
";

/// What scanners found. Inventories and reports belong to a volume: images of equal layers share them.
/// They go with it. Waivers outlive the generations of an image; an allowance goes with the one that it
/// was given for.
const V2: &str = "
CREATE TABLE inventories (
    volume  INTEGER PRIMARY KEY REFERENCES volumes (id) ON DELETE CASCADE,
    format  INTEGER NOT NULL,
    record  TEXT NOT NULL,
    read_at INTEGER NOT NULL
) STRICT;

CREATE TABLE reports (
    volume     INTEGER NOT NULL REFERENCES volumes (id) ON DELETE CASCADE,
    scanner    TEXT NOT NULL,
    report     TEXT NOT NULL,
    raw        BLOB,
    scanned_at INTEGER NOT NULL,
    PRIMARY KEY (volume, scanner)
) STRICT;

CREATE TABLE waivers (
    image    TEXT NOT NULL,
    advisory TEXT NOT NULL,
    until    INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    given_by TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    PRIMARY KEY (image, advisory)
) STRICT;

CREATE TABLE allowances (
    id         INTEGER PRIMARY KEY,
    image      INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    machine    TEXT NOT NULL,
    verdict    TEXT NOT NULL CHECK (verdict IN ('vulnerable', 'unproven')),
    given_by   TEXT NOT NULL,
    given_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX allowances_by_image ON allowances (image);

ALTER TABLE decisions ADD COLUMN valid_until INTEGER;
";

/// The thin pool, and what volumes are made of: files in every catalogue that has some already. Whose a
/// machine is, and until when.
const V3: &str = "
CREATE TABLE pools (
    name       TEXT PRIMARY KEY,
    phase      TEXT NOT NULL CHECK (phase IN ('making', 'ready', 'down', 'destroying')),
    spec       TEXT NOT NULL,
    txid       INTEGER NOT NULL CHECK (txid >= 0),
    change     TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE storage (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    backend TEXT NOT NULL CHECK (backend IN ('file', 'thin'))
) STRICT;
INSERT INTO storage (id, backend) SELECT 1, 'file' WHERE EXISTS (SELECT 1 FROM volumes);

ALTER TABLE machines ADD COLUMN owner TEXT;
ALTER TABLE machines ADD COLUMN expires_at INTEGER;
";
