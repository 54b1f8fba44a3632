-- The WebSub hub. A subscription is a callback and a feed. A push is of the feed as it is then, not of one bulletin, so a
-- subscription has one push at most: what changes the feed again while it waits makes it the push of that.
CREATE TABLE hub_subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    callback TEXT NOT NULL,             -- the address, from its verification on
    host TEXT NOT NULL,                 -- the callback's, in lower case
    topic TEXT NOT NULL,                -- the feed's path; a private one's holds its endpoint where its token stands
    -- Which bulletins the feed holds: those of a region and field, of a publisher, or what a feed's endpoint was sent.
    region INTEGER,
    field TEXT,
    publisher TEXT,
    feed INTEGER,
    kinds INTEGER NOT NULL,
    contents INTEGER NOT NULL,          -- 1: only events, 2: only alerts, as in bulletins
    secret BLOB,                        -- sealed by the store's key
    state TEXT NOT NULL CHECK (state IN ('active', 'ended')),
    created_at INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    why TEXT,                           -- it has ended
    bulletin INTEGER,                   -- the last that changed the feed since it was pushed; NULL: nothing to push
    claimed INTEGER,                    -- the same when the push under way was claimed
    priority INTEGER NOT NULL DEFAULT 2,
    due_at INTEGER,                     -- NULL while it is sent
    attempts INTEGER NOT NULL DEFAULT 0,
    spent INTEGER NOT NULL DEFAULT 0,   -- attempts that were of earlier pushes
    lease_owner TEXT,
    lease_until INTEGER,
    pushed_at INTEGER,
    code TEXT,                          -- of the last attempt, as the detail
    detail TEXT,
    failing_since INTEGER
) STRICT;

CREATE UNIQUE INDEX hub_subscriptions_identity ON hub_subscriptions (callback, topic) WHERE state = 'active';
CREATE INDEX hub_subscriptions_host ON hub_subscriptions (host) WHERE state = 'active';
CREATE INDEX hub_subscriptions_expiry ON hub_subscriptions (expires_at) WHERE state = 'active';
CREATE INDEX hub_subscriptions_region ON hub_subscriptions (field, region)
    WHERE state = 'active' AND region IS NOT NULL;
CREATE INDEX hub_subscriptions_publisher ON hub_subscriptions (publisher)
    WHERE state = 'active' AND publisher IS NOT NULL;
CREATE INDEX hub_subscriptions_feed ON hub_subscriptions (feed) WHERE state = 'active' AND feed IS NOT NULL;
CREATE INDEX hub_subscriptions_due ON hub_subscriptions (priority, due_at) WHERE state = 'active' AND due_at IS NOT NULL;
CREATE INDEX hub_subscriptions_leases ON hub_subscriptions (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX hub_subscriptions_ended ON hub_subscriptions (ended_at) WHERE state = 'ended';

CREATE TABLE hub_attempts (
    subscription INTEGER NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration INTEGER NOT NULL,          -- milliseconds
    outcome TEXT NOT NULL,
    code TEXT,
    detail TEXT,
    PRIMARY KEY (subscription, number)
) STRICT, WITHOUT ROWID;

-- What a callback is to be asked or told. It goes once the callback has answered, or does not.
CREATE TABLE hub_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mode TEXT NOT NULL CHECK (mode IN ('subscribe', 'unsubscribe', 'denied')),
    callback TEXT NOT NULL,
    host TEXT NOT NULL,
    network TEXT NOT NULL,              -- where the request came from
    topic TEXT NOT NULL,
    region INTEGER,
    field TEXT,
    publisher TEXT,
    feed INTEGER,
    kinds INTEGER NOT NULL,
    contents INTEGER NOT NULL,          -- 1: only events, 2: only alerts, as in bulletins
    lease_seconds INTEGER NOT NULL,
    secret BLOB,
    reason TEXT,                        -- why it is denied
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX hub_requests_due ON hub_requests (due_at);
CREATE INDEX hub_requests_identity ON hub_requests (callback, topic);
CREATE INDEX hub_requests_host ON hub_requests (host);
CREATE INDEX hub_requests_network ON hub_requests (network);

-- Bulletins that were routed while the hub had subscriptions: their feeds have changed. How far the subscriptions to
-- these were marked.
CREATE TABLE hub_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bulletin INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    place INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX hub_changes_order ON hub_changes (priority, id);
