-- Times are milliseconds since 1970. Regions are numbers of ten digits (73.71.01.1001 is 7371011001), so that all within
-- one is an interval. Kinds are a mask: 1 announcement, 2 proposal. Reach is a mask: 1 upward, 2 downward.

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE publishers (
    slug TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    amqp_user TEXT NOT NULL,
    kinds INTEGER NOT NULL,
    regions TEXT NOT NULL,              -- dotted codes, by spaces
    fields TEXT NOT NULL,               -- slugs or *, by spaces
    emergency INTEGER NOT NULL,
    moderated INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE subscribers (
    id INTEGER PRIMARY KEY,
    home_region INTEGER,
    language TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The one place where addresses stand.
CREATE TABLE endpoints (
    id INTEGER PRIMARY KEY,
    subscriber INTEGER NOT NULL REFERENCES subscribers,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'webhook', 'feed')),
    address TEXT NOT NULL,
    secret_version INTEGER NOT NULL,    -- a webhook's secret is derived from the store's key, the endpoint and this
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    feed_hash BLOB,                     -- SHA-256 of a feed's token
    suppressed INTEGER NOT NULL,        -- whether the address is in suppressions
    created_at INTEGER NOT NULL,
    UNIQUE (channel, address)
) STRICT;

CREATE UNIQUE INDEX endpoints_feed ON endpoints (feed_hash) WHERE feed_hash IS NOT NULL;

-- Email addresses that get nothing, whoever subscribes them.
CREATE TABLE suppressions (
    address TEXT NOT NULL PRIMARY KEY,  -- in lower case
    why TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY,
    endpoint INTEGER NOT NULL REFERENCES endpoints,
    channel TEXT NOT NULL,              -- the endpoint's, so that routing needs no join
    region INTEGER NOT NULL,
    field TEXT NOT NULL,                -- a slug or *
    kinds INTEGER NOT NULL,
    reach INTEGER NOT NULL,
    urgency INTEGER NOT NULL,           -- the least that is sent, 0 routine to 2 emergency
    frequency TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled', 'ended')),
    unsubscribe_hash BLOB NOT NULL,     -- SHA-256 of the unsubscribe token
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE UNIQUE INDEX subscriptions_identity ON subscriptions (endpoint, region, field) WHERE state <> 'ended';
CREATE UNIQUE INDEX subscriptions_unsubscribe ON subscriptions (unsubscribe_hash);
-- What the fan-out walks; it holds all that the fan-out asks of a subscription. A chunk begins at a region and endpoint:
-- SQLite seeks by columns of the index, and not by the row's number that stands at its end.
CREATE INDEX subscriptions_routing
    ON subscriptions (field, region, endpoint, reach, kinds, urgency, channel) WHERE state = 'active';

CREATE TABLE bulletins (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    publisher TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    title TEXT NOT NULL,
    urgency INTEGER NOT NULL,
    is_withdrawal INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('held', 'scheduled', 'published', 'withdrawn', 'rejected', 'superseded', 'expired')),
    regions TEXT NOT NULL,              -- dotted codes, by spaces
    fields TEXT NOT NULL,               -- slugs, by spaces
    targets TEXT NOT NULL,              -- JSON: the legs of subscriptions_routing that hold every match, [field, from, to, reach]
    in_reply_to TEXT,
    issued_at INTEGER,
    publish_at INTEGER,
    expires_at INTEGER,
    received_at INTEGER NOT NULL,
    first_received_at INTEGER NOT NULL,
    digest BLOB NOT NULL,
    payload BLOB NOT NULL,
    reply_to TEXT,
    correlation_id TEXT,
    traceparent TEXT,
    -- The fan-out's place: a leg's number, and the last region and endpoint of it that were looked at.
    fanout_leg INTEGER NOT NULL DEFAULT 0,
    fanout_region INTEGER NOT NULL DEFAULT -1,
    fanout_endpoint INTEGER NOT NULL DEFAULT -1,
    routed_at INTEGER,
    pending INTEGER NOT NULL DEFAULT 0, -- deliveries that have not come to their end
    completed_at INTEGER,
    UNIQUE (publisher, name, revision)
) STRICT;

-- A superseded revision that was not routed yet is routed first, so that its correction finds who got it.
CREATE INDEX bulletins_unrouted ON bulletins (urgency DESC, id)
    WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn');
CREATE INDEX bulletins_scheduled ON bulletins (publish_at) WHERE state = 'scheduled';
CREATE INDEX bulletins_answers ON bulletins (in_reply_to) WHERE in_reply_to IS NOT NULL;
CREATE INDEX bulletins_expiring ON bulletins (expires_at) WHERE state = 'published' AND expires_at IS NOT NULL;

-- What feeds show: the latest revision of a bulletin under each region it addresses (is_exact 1) and each region that
-- contains one (is_exact 0). The feed of a region is its own rows and the exact rows of those above it.
CREATE TABLE feed_items (
    region INTEGER NOT NULL,
    is_exact INTEGER NOT NULL,
    bulletin INTEGER NOT NULL REFERENCES bulletins,
    PRIMARY KEY (region, is_exact, bulletin)
) STRICT, WITHOUT ROWID;

CREATE INDEX feed_items_bulletin ON feed_items (bulletin);

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    bulletin INTEGER NOT NULL REFERENCES bulletins,
    endpoint INTEGER NOT NULL REFERENCES endpoints,
    channel TEXT NOT NULL,
    subscription INTEGER NOT NULL REFERENCES subscriptions,
    priority INTEGER NOT NULL,          -- 0 emergency, 1 important, 2 routine
    state TEXT NOT NULL CHECK (state IN
        ('pending', 'sending', 'delivered', 'failed', 'expired', 'cancelled', 'suppressed', 'bounced')),
    due_at INTEGER,                     -- NULL while it waits for its predecessor
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_until INTEGER,
    predecessor INTEGER,                -- the unfinished delivery of an earlier revision to the same endpoint
    finished_at INTEGER,
    code TEXT,
    detail TEXT,
    UNIQUE (bulletin, endpoint)
) STRICT;

CREATE INDEX deliveries_due ON deliveries (channel, priority, due_at) WHERE state = 'pending' AND due_at IS NOT NULL;
CREATE INDEX deliveries_leases ON deliveries (lease_until) WHERE state = 'sending';
CREATE INDEX deliveries_waiting ON deliveries (predecessor) WHERE due_at IS NULL AND state = 'pending';
CREATE INDEX deliveries_feed ON deliveries (endpoint, bulletin) WHERE channel = 'feed';
CREATE INDEX deliveries_subscription ON deliveries (subscription) WHERE state = 'pending';

CREATE TABLE attempts (
    delivery INTEGER NOT NULL REFERENCES deliveries,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration INTEGER NOT NULL,          -- milliseconds
    outcome TEXT NOT NULL,
    code TEXT,
    detail TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE refusals (
    id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    publisher TEXT,
    name TEXT,
    received_at INTEGER NOT NULL,
    queue TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    size INTEGER NOT NULL,
    errors TEXT NOT NULL,               -- JSON: a list of {path, code, message}
    body BLOB NOT NULL,
    user_id TEXT,                       -- the AMQP user, as the broker checked it
    content_type TEXT,
    content_encoding TEXT,
    headers TEXT NOT NULL,              -- JSON: those with a text value
    reply_to TEXT,
    correlation_id TEXT,
    requeued_at INTEGER
) STRICT;

-- What waits to reach the broker: receipts, and refused messages on their way to kentongan.rejected.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,                -- a receipt's event, or 'refusal'
    publisher TEXT NOT NULL,
    body BLOB NOT NULL,
    refusal INTEGER REFERENCES refusals,
    reply_to TEXT,
    correlation_id TEXT,
    traceparent TEXT
) STRICT;
