-- The JSON as it was accepted, apart from what changes: a change of state then writes a short row.
CREATE TABLE payloads (
    bulletin INTEGER PRIMARY KEY REFERENCES bulletins,
    payload BLOB NOT NULL
) STRICT;

INSERT INTO payloads (bulletin, payload) SELECT id, payload FROM bulletins;
ALTER TABLE bulletins DROP COLUMN payload;

-- Without a foreign key: a bulletin's rows are found by its regions, and an index by bulletin would cost as much as the
-- table.
CREATE TABLE feed_items_apart (
    region INTEGER NOT NULL,
    is_exact INTEGER NOT NULL,
    bulletin INTEGER NOT NULL,
    PRIMARY KEY (region, is_exact, bulletin)
) STRICT, WITHOUT ROWID;

INSERT INTO feed_items_apart (region, is_exact, bulletin) SELECT region, is_exact, bulletin FROM feed_items;
DROP TABLE feed_items;
ALTER TABLE feed_items_apart RENAME TO feed_items;

-- JSON: the properties of a refused message that nothing here reads, by their names in AMQP. Its headers may be of any type.
ALTER TABLE refusals ADD COLUMN properties TEXT NOT NULL DEFAULT '{}';

-- Work that one process at a time does.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
