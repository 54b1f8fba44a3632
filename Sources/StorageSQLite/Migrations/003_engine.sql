-- The fair order of deliveries. Of a bulletin the n-th delivery counts as if it had come n seconds after the first
-- (`turn`), so that neither a small bulletin waits for a large one nor a large one for ever for small ones. A row that
-- waits for its time, or for its predecessor, has no turn.
--
-- The table without foreign keys: a row is made of a bulletin, an endpoint and a subscription that are there, of which
-- none goes before it, and three look-ups for each would be a sixth of the time of a fan-out.
PRAGMA defer_foreign_keys = ON;

CREATE TABLE deliveries_fair (
    id INTEGER PRIMARY KEY,
    bulletin INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    channel TEXT NOT NULL,
    subscription INTEGER NOT NULL,
    priority INTEGER NOT NULL,          -- 0 emergency, 1 important, 2 routine
    state TEXT NOT NULL CHECK (state IN
        ('pending', 'sending', 'delivered', 'failed', 'expired', 'cancelled', 'suppressed', 'bounced')),
    due_at INTEGER,                     -- NULL while it waits for its predecessor
    turn INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    spent INTEGER NOT NULL DEFAULT 0,   -- attempts before the operator asked for another round
    lease_owner TEXT,
    lease_until INTEGER,
    predecessor INTEGER,                -- the unfinished delivery of an earlier revision to the same endpoint
    digest_at INTEGER,                  -- the end of the digest's window; NULL for what is sent by itself
    finished_at INTEGER,
    code TEXT,
    detail TEXT,
    UNIQUE (bulletin, endpoint)
) STRICT;

INSERT INTO deliveries_fair (id, bulletin, endpoint, channel, subscription, priority, state, due_at, turn, attempts,
        lease_owner, lease_until, predecessor, finished_at, code, detail)
    SELECT id, bulletin, endpoint, channel, subscription, priority, state, due_at,
        CASE WHEN state = 'pending' AND attempts = 0 THEN due_at END, attempts, lease_owner, lease_until, predecessor,
        finished_at, code, detail
    FROM deliveries ORDER BY id;
DROP TABLE deliveries;
ALTER TABLE deliveries_fair RENAME TO deliveries;

CREATE INDEX deliveries_leases ON deliveries (lease_until) WHERE state = 'sending';
CREATE INDEX deliveries_waiting ON deliveries (predecessor) WHERE due_at IS NULL AND state = 'pending';
CREATE INDEX deliveries_feed ON deliveries (endpoint, bulletin) WHERE channel = 'feed';
CREATE INDEX deliveries_subscription ON deliveries (subscription) WHERE state = 'pending';
CREATE INDEX deliveries_ready ON deliveries (channel, priority, turn) WHERE state = 'pending' AND turn IS NOT NULL;
CREATE INDEX deliveries_timed ON deliveries (channel, priority, due_at)
    WHERE state = 'pending' AND turn IS NULL AND due_at IS NOT NULL AND digest_at IS NULL;
CREATE INDEX deliveries_digests ON deliveries (due_at, endpoint, digest_at)
    WHERE state = 'pending' AND due_at IS NOT NULL AND digest_at IS NOT NULL;

-- The turn of the bulletin's next delivery; the fan-out takes the earliest first.
ALTER TABLE bulletins ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
UPDATE bulletins SET turn = max(received_at, coalesce(publish_at, 0));
-- The fan-out goes first to whoever got what this revision corrects, withdraws or answers: the bulletin whose recipients
-- are walked, by endpoint; 0 once that is done.
ALTER TABLE bulletins ADD COLUMN fanout_source INTEGER;
-- What becomes of the deliveries that are still pending, in chunks: cancelled or expired. The last endpoint seen.
ALTER TABLE bulletins ADD COLUMN ending TEXT CHECK (ending IN ('cancelled', 'expired'));
ALTER TABLE bulletins ADD COLUMN ending_endpoint INTEGER NOT NULL DEFAULT -1;
-- How often the operator had it delivered again after it was complete.
ALTER TABLE bulletins ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;

-- How many deliveries were made of it, by channel as JSON and in all. Those of a large bulletin are not counted by who
-- writes (`made` says which are large).
ALTER TABLE bulletins ADD COLUMN made INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bulletins ADD COLUMN made_by_channel TEXT NOT NULL DEFAULT '{}';
CREATE INDEX bulletins_large ON bulletins (id) WHERE made > 20000 AND completed_at IS NULL;

DROP INDEX bulletins_unrouted;
-- A superseded revision that was not routed yet is routed first, so that its correction finds who got it.
CREATE INDEX bulletins_unrouted ON bulletins (urgency DESC, turn, id)
    WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn');
CREATE INDEX bulletins_ending ON bulletins (id) WHERE ending IS NOT NULL;

-- Who is told what becomes of an endpoint: an email address, or a publisher's slug.
ALTER TABLE subscribers ADD COLUMN owner TEXT;
CREATE UNIQUE INDEX subscribers_owner ON subscribers (owner) WHERE owner IS NOT NULL;

-- Since when it has only failed; when its owner confirmed it (the operator's are confirmed at once).
ALTER TABLE endpoints ADD COLUMN failing_since INTEGER;
ALTER TABLE endpoints ADD COLUMN verified_at INTEGER;
UPDATE endpoints SET verified_at = created_at;
-- SHA-256 of the token that ends all its digests.
ALTER TABLE endpoints ADD COLUMN leave_hash BLOB;
CREATE UNIQUE INDEX endpoints_leave ON endpoints (leave_hash) WHERE leave_hash IS NOT NULL;
CREATE INDEX endpoints_subscriber ON endpoints (subscriber);
CREATE INDEX endpoints_email ON endpoints (lower(address)) WHERE channel = 'email';

-- A digest's windows: milliseconds from one to the next, and the end of the first after 1970; 0 for what is sent at once.
ALTER TABLE subscriptions ADD COLUMN digest_period INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN digest_phase INTEGER NOT NULL DEFAULT 0;

DROP INDEX subscriptions_routing;
CREATE INDEX subscriptions_routing
    ON subscriptions (field, region, endpoint, reach, kinds, urgency, channel, digest_period, digest_phase)
    WHERE state = 'active';
CREATE INDEX subscriptions_digests ON subscriptions (id) WHERE digest_period > 0 AND state = 'active';
CREATE INDEX subscriptions_region ON subscriptions (region) WHERE state <> 'ended';

-- Counts what takes back something that was on its way (a withdrawal, an end of a subscription, ...): as long as it is
-- the same, what was claimed may be sent without another look.
CREATE TABLE halts (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO halts (id, number) VALUES (1, 0);

-- Mails that are about no bulletin: to owners of endpoints, and to operators.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    address TEXT,                       -- NULL: the operators'
    language TEXT NOT NULL,
    details TEXT NOT NULL,              -- JSON
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What was under way goes on.
UPDATE bulletins SET made = (SELECT count(*) FROM deliveries WHERE bulletin = bulletins.id),
    made_by_channel = (SELECT json_group_object(channel, number) FROM
        (SELECT channel, count(*) AS number FROM deliveries WHERE bulletin = bulletins.id GROUP BY channel)),
    fanout_source = CASE WHEN fanout_leg > 0 OR fanout_region >= 0 THEN 0 END
    WHERE completed_at IS NULL;
