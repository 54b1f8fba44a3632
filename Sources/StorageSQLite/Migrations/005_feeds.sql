-- Counts what changes public feeds: as long as it is the same, each of them is. An item's place in feeds is the number at
-- which it was put there, so that later ones are newer, also of a bulletin that waited for its time.
CREATE TABLE feed_generation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL,
    changed_at INTEGER NOT NULL         -- when that was; an item that waited, or is gone, does not tell
) STRICT;
INSERT INTO feed_generation (id, number, changed_at)
    SELECT 1, coalesce(max(id), 0), 1000 * CAST(strftime('%s', 'now') AS INTEGER) FROM bulletins;

-- Whether a revision has an event (1) and an alert (2).
ALTER TABLE bulletins ADD COLUMN contents INTEGER NOT NULL DEFAULT 0;
UPDATE bulletins SET contents = (SELECT
        (json_type(CAST(payload AS TEXT), '$.event') IS NOT NULL) + 2 * (json_type(CAST(payload AS TEXT), '$.alert') IS NOT NULL)
    FROM payloads WHERE bulletin = bulletins.id)
    WHERE EXISTS (SELECT 1 FROM payloads WHERE bulletin = bulletins.id);

-- A withdrawal is of what it withdraws, also if it does not say that again.
UPDATE bulletins SET contents = coalesce((SELECT b.contents FROM bulletins b
        WHERE b.publisher = bulletins.publisher AND b.name = bulletins.name AND b.revision < bulletins.revision
        ORDER BY b.revision DESC LIMIT 1), 0)
    WHERE is_withdrawal AND contents = 0;

-- Its place in feeds, kept when it was taken off; whether it stands there.
ALTER TABLE bulletins ADD COLUMN feed_place INTEGER;
ALTER TABLE bulletins ADD COLUMN in_feeds INTEGER NOT NULL DEFAULT 0;
UPDATE bulletins SET feed_place = id,
    in_feeds = state IN ('published', 'superseded') OR (state = 'withdrawn' AND is_withdrawal)
    WHERE id IN (SELECT bulletin FROM feed_items);

-- What feeds show: the newest routed revision of a bulletin, in a list for each region it addresses and each that contains
-- one, for all fields (*), its fields and those above them. `list` is its kind, 4 more if the region is addressed itself,
-- and 8 or 16 more in lists of events or alerts only. The feed of a region is its own lists and those of what is addressed
-- to the regions above it, so that no region needs a row of its own and each feed is the start of a few sorted lists.
CREATE TABLE feed_lists (
    region INTEGER NOT NULL,
    field TEXT NOT NULL,
    list INTEGER NOT NULL,
    place INTEGER NOT NULL,
    bulletin INTEGER NOT NULL,
    PRIMARY KEY (region, field, list, place)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO feed_lists (region, field, list, place, bulletin)
    WITH named (bulletin, field) AS (
        SELECT b.id, f.value FROM bulletins b, json_each('["' || replace(b.fields, ' ', '","') || '"]') f
            WHERE b.in_feeds = 1 AND b.fields <> ''),
    topics (bulletin, field) AS (
        SELECT id, '*' FROM bulletins WHERE in_feeds = 1
        UNION SELECT bulletin, field FROM named
        UNION SELECT bulletin, substr(field, 1, instr(field, '.') - 1) FROM named WHERE instr(field, '.') > 0),
    contents (bit, offset) AS (VALUES (0, 0), (1, 8), (2, 16))
    SELECT i.region, t.field, b.kind + 4 * i.is_exact + c.offset, b.feed_place, b.id
    FROM feed_items i JOIN bulletins b ON b.id = i.bulletin JOIN topics t ON t.bulletin = b.id
        JOIN contents c ON c.bit = 0 OR b.contents & c.bit
    WHERE b.in_feeds = 1;
DROP TABLE feed_items;
ALTER TABLE feed_lists RENAME TO feed_items;

-- Feeds of publishers.
CREATE INDEX bulletins_feed ON bulletins (publisher, kind, feed_place) WHERE in_feeds = 1;
CREATE INDEX bulletins_feed_events ON bulletins (publisher, kind, feed_place) WHERE in_feeds = 1 AND contents & 1;
CREATE INDEX bulletins_feed_alerts ON bulletins (publisher, kind, feed_place) WHERE in_feeds = 1 AND contents & 2;

-- Private feeds: in the order in which they were routed, which the row's number says.
DROP INDEX deliveries_feed;
CREATE INDEX deliveries_feed ON deliveries (endpoint) WHERE channel = 'feed';

-- When a private feed was last asked for; to the minute or so.
ALTER TABLE endpoints ADD COLUMN fetched_at INTEGER;
