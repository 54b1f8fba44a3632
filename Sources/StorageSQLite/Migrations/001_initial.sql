-- The schema of the embedded store, in the order in which a bulletin meets the stages.
--
-- Times are milliseconds since 1970. A region is a number of ten digits (73.71.01.1001 is 7371011001), so that everything
-- within one region is an interval. Kinds are a mask: 1 announcement, 2 proposal. Reach is a mask: 1 upward, 2 downward.
-- Contents are a mask: 1 the bulletin has an event, 2 it has an alert. Names of channels are not checked here: a worker of
-- a later version may add one.
--
-- An id with AUTOINCREMENT is never given twice, even after its row was removed: links, secrets and return paths are
-- derived from ids, and receivers recognise a repeated message by them.

-- The store itself ----------------------------------------------------------------------------------------------------

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Distinguishes the receipts, mails and webhooks of this store from those of another installation.
INSERT INTO settings (name, value) VALUES ('identity', lower(hex(randomblob(4))));

-- Duties that only one worker per store may perform, such as sending the outbox.
CREATE TABLE duties (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,               -- empty once the holder has released it
    until INTEGER NOT NULL,
    epoch INTEGER NOT NULL              -- grows with each change of holder; a former holder's writes name an older one
) STRICT, WITHOUT ROWID;

-- When a worker last looked at its clock, and what it found; see docs/clocks.md.
CREATE TABLE clock_mark (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seen_at INTEGER NOT NULL,
    hold INTEGER NOT NULL DEFAULT 0,    -- milliseconds for which retention still removes nothing
    -- The walk that corrects times written by a clock that was ahead: the table, and the last id it has passed.
    walk INTEGER,
    walk_number INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Publishers and subscribers ------------------------------------------------------------------------------------------

CREATE TABLE publishers (
    slug TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    amqp_user TEXT NOT NULL,
    kinds INTEGER NOT NULL,
    regions TEXT NOT NULL,              -- dotted codes, separated by spaces
    fields TEXT NOT NULL,               -- slugs or *, separated by spaces
    emergency INTEGER NOT NULL,         -- whether it may publish emergencies
    moderated INTEGER NOT NULL,         -- whether an operator approves each of its bulletins
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A rejected message's receipt goes to the publishers of the AMQP user that sent it.
CREATE INDEX publishers_user ON publishers (amqp_user);

-- The successors of retired region codes, by the latest import. A worker or command that loaded its codes earlier
-- looks here when it records anything under one.
CREATE TABLE region_successors (
    retired INTEGER NOT NULL,
    place INTEGER NOT NULL,             -- the order among the successors of one code
    successor INTEGER NOT NULL,
    PRIMARY KEY (retired, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX region_successors_successor ON region_successors (successor);

CREATE TABLE subscribers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    home_region INTEGER,
    language TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    owner TEXT                          -- who hears about its endpoints: a mail address, or a publisher's slug
) STRICT;

CREATE UNIQUE INDEX subscribers_owner ON subscribers (owner) WHERE owner IS NOT NULL;
CREATE INDEX subscribers_owner_folded ON subscribers (lower(owner)) WHERE owner IS NOT NULL;
-- A replacement of regions finds whose home they were.
CREATE INDEX subscribers_home ON subscribers (home_region) WHERE home_region IS NOT NULL;

-- The only table that holds the addresses of subscribers, apart from the suppression list.
CREATE TABLE endpoints (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber INTEGER NOT NULL REFERENCES subscribers,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    suppressed INTEGER NOT NULL,        -- whether the address is in suppressions: 0 no, 1 yes, 2 except for emergencies
    created_at INTEGER NOT NULL,
    verified_at INTEGER,                -- when its owner confirmed it; an operator's is confirmed when it is added
    -- How deliveries to it fare: since when it has only failed, for how many milliseconds it was seen to (each gap between
    -- two failures counts as a day at most), and when it last did.
    failing_since INTEGER,
    failing_for INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER,
    -- Keys are derived from the store's key, the id and a version. After a rotation the previous version signs as well
    -- until `previous_until`. `signatures` is a mask: 1 HMAC-SHA256 (v1), 2 Ed25519 (v1a).
    secret_version INTEGER NOT NULL,
    previous_version INTEGER,
    previous_until INTEGER,
    signatures INTEGER NOT NULL DEFAULT 1,
    feed_hash BLOB,                     -- SHA-256 of a private feed's token
    fetched_at INTEGER,                 -- when a private feed was last read, to the minute or so
    leave_hash BLOB,                    -- SHA-256 of the token that ends all its digests
    UNIQUE (channel, address)
) STRICT;

CREATE UNIQUE INDEX endpoints_feed ON endpoints (feed_hash) WHERE feed_hash IS NOT NULL;
CREATE UNIQUE INDEX endpoints_leave ON endpoints (leave_hash) WHERE leave_hash IS NOT NULL;
CREATE INDEX endpoints_subscriber ON endpoints (subscriber);
CREATE INDEX endpoints_email ON endpoints (lower(address)) WHERE channel = 'email';
CREATE INDEX endpoints_failing ON endpoints (failing_since) WHERE failing_since IS NOT NULL;
CREATE INDEX endpoints_rotating ON endpoints (previous_until) WHERE previous_until IS NOT NULL;

CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint INTEGER NOT NULL REFERENCES endpoints,
    channel TEXT NOT NULL,              -- the endpoint's, so that routing needs no join
    region INTEGER NOT NULL,
    field TEXT NOT NULL,                -- a slug or *
    kinds INTEGER NOT NULL,
    reach INTEGER NOT NULL,
    urgency INTEGER NOT NULL,           -- the least that is sent: 0 routine to 2 emergency
    frequency TEXT NOT NULL,
    -- The windows of its digests: milliseconds from one to the next (0 for immediate delivery), and the end of the first
    -- window after 1970.
    digest_period INTEGER NOT NULL DEFAULT 0,
    digest_phase INTEGER NOT NULL DEFAULT 0,
    language TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT 'full' CHECK (payload IN ('full', 'thin')),
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled', 'ended')),
    unsubscribe_hash BLOB NOT NULL,     -- SHA-256 of the unsubscribe token
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE UNIQUE INDEX subscriptions_identity ON subscriptions (endpoint, region, field) WHERE state <> 'ended';
-- Finds an endpoint's ended subscriptions; `subscriptions_identity` holds the others.
CREATE INDEX subscriptions_ended ON subscriptions (endpoint, ended_at) WHERE state = 'ended';
CREATE UNIQUE INDEX subscriptions_unsubscribe ON subscriptions (unsubscribe_hash);
-- The fan-out walks this index, which covers all that it asks of a subscription. A chunk begins at a region and an
-- endpoint: SQLite seeks by the columns of an index, and not by the row id at its end.
CREATE INDEX subscriptions_routing
    ON subscriptions (field, region, endpoint, reach, kinds, urgency, channel, digest_period, digest_phase)
    WHERE state = 'active';
CREATE INDEX subscriptions_digests ON subscriptions (id) WHERE digest_period > 0 AND state = 'active';
CREATE INDEX subscriptions_region ON subscriptions (region) WHERE state <> 'ended';

-- Intake --------------------------------------------------------------------------------------------------------------

CREATE TABLE bulletins (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    publisher TEXT NOT NULL,
    name TEXT NOT NULL,                 -- the publisher's own id of the bulletin
    revision INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    title TEXT NOT NULL,
    urgency INTEGER NOT NULL,
    is_withdrawal INTEGER NOT NULL,
    contents INTEGER NOT NULL DEFAULT 0, -- of a withdrawal that does not repeat them: of the revision before it
    state TEXT NOT NULL CHECK (state IN
        ('held', 'scheduled', 'published', 'withdrawn', 'rejected', 'superseded', 'expired')),
    regions TEXT NOT NULL,              -- dotted codes, separated by spaces
    fields TEXT NOT NULL,               -- slugs, separated by spaces
    targets TEXT NOT NULL,              -- JSON: the legs of subscriptions_routing that hold every match
    in_reply_to TEXT,
    issued_at INTEGER,
    publish_at INTEGER,
    expires_at INTEGER,
    received_at INTEGER NOT NULL,
    first_received_at INTEGER NOT NULL, -- of the first revision
    digest BLOB NOT NULL,               -- of the content, by which a repeated message is recognised
    reply_to TEXT,
    correlation_id TEXT,
    traceparent TEXT,
    -- The position of the fan-out. It first visits the recipients of the bulletins that this one corrects, withdraws or
    -- answers: `fanout_source` is the one under way, 0 once they are done. Then it visits the legs: the number of the leg,
    -- and the last region and endpoint that it looked at.
    fanout_source INTEGER,
    fanout_leg INTEGER NOT NULL DEFAULT 0,
    fanout_region INTEGER NOT NULL DEFAULT -1,
    fanout_endpoint INTEGER NOT NULL DEFAULT -1,
    turn INTEGER NOT NULL DEFAULT 0,    -- the turn of its next delivery; the fan-out takes the earliest first
    routed_at INTEGER,
    -- How many deliveries it has: in all, by channel as JSON, and those that have not ended. Deliveries of a large bulletin
    -- (see bulletins_large) are counted beside the writer.
    made INTEGER NOT NULL DEFAULT 0,
    made_by_channel TEXT NOT NULL DEFAULT '{}',
    pending INTEGER NOT NULL DEFAULT 0,
    -- The end that comes to deliveries still pending, in chunks, and the last endpoint that it has passed.
    ending TEXT CHECK (ending IN ('cancelled', 'expired')),
    ending_endpoint INTEGER NOT NULL DEFAULT -1,
    completed_at INTEGER,
    reopened INTEGER NOT NULL DEFAULT 0, -- how often an operator had it delivered again after it was complete
    feed_place INTEGER,                 -- its place in feeds, kept after it has left them
    in_feeds INTEGER NOT NULL DEFAULT 0,
    UNIQUE (publisher, name, revision)
) STRICT;

-- A superseded revision that is not routed yet is routed first, so that its correction finds who got it.
CREATE INDEX bulletins_unrouted ON bulletins (urgency DESC, turn, id)
    WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn');
CREATE INDEX bulletins_scheduled ON bulletins (publish_at) WHERE state = 'scheduled';
-- A replacement of regions visits what is held.
CREATE INDEX bulletins_held ON bulletins (id) WHERE state = 'held';
CREATE INDEX bulletins_answers ON bulletins (in_reply_to) WHERE in_reply_to IS NOT NULL;
CREATE INDEX bulletins_expiring ON bulletins (expires_at) WHERE state = 'published' AND expires_at IS NOT NULL;
CREATE INDEX bulletins_ending ON bulletins (id) WHERE ending IS NOT NULL;
CREATE INDEX bulletins_large ON bulletins (id) WHERE made > 20000 AND completed_at IS NULL;
-- Finds a digest's deliveries by the bulletins of its window; an index of deliveries by endpoint would write a page per
-- delivery.
CREATE INDEX bulletins_routed ON bulletins (routed_at) WHERE routed_at IS NOT NULL;
-- The feeds of publishers.
CREATE INDEX bulletins_feed ON bulletins (publisher, kind, feed_place) WHERE in_feeds = 1;
CREATE INDEX bulletins_feed_events ON bulletins (publisher, kind, feed_place) WHERE in_feeds = 1 AND contents & 1;
CREATE INDEX bulletins_feed_alerts ON bulletins (publisher, kind, feed_place) WHERE in_feeds = 1 AND contents & 2;

-- The JSON as it was accepted, apart from the columns that change: a change of state then writes a short row.
CREATE TABLE payloads (
    bulletin INTEGER PRIMARY KEY REFERENCES bulletins,
    payload BLOB NOT NULL
) STRICT;

CREATE TABLE refusals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
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
    headers TEXT NOT NULL,              -- JSON, of any type
    properties TEXT NOT NULL DEFAULT '{}', -- JSON: the properties that nothing here reads, by their names in AMQP
    reply_to TEXT,
    correlation_id TEXT,
    requeued_at INTEGER
) STRICT;

-- Deliveries ----------------------------------------------------------------------------------------------------------

-- Grows with everything that takes back what is on its way (a withdrawal, the end of a subscription). While the number is
-- the same, a claimed delivery may be sent without another look.
CREATE TABLE halts (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
) STRICT;

INSERT INTO halts (id, number) VALUES (1, 0);

-- One row per batch of claimed deliveries or pushes. The number only grows, so that an outcome of an earlier claim is
-- recognised however often the delivery was claimed since. A lease goes once none of its rows is under way.
CREATE TABLE leases (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;

-- One row per bulletin revision and endpoint. It is narrow, and has no foreign keys: its bulletin, endpoint and
-- subscription exist when it is made, none of them goes before it does, and three look-ups would take a sixth of the time
-- of a fan-out.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bulletin INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    channel TEXT NOT NULL,
    subscription INTEGER NOT NULL,      -- the one that matched
    priority INTEGER NOT NULL,          -- 0 emergency, 1 important, 2 routine
    state TEXT NOT NULL CHECK (state IN
        ('pending', 'sending', 'delivered', 'failed', 'expired', 'cancelled', 'suppressed', 'bounced')),
    due_at INTEGER,                     -- NULL while it waits for its predecessor
    turn INTEGER,                       -- its place in the fair order; NULL for a row that waits for a time
    attempts INTEGER NOT NULL DEFAULT 0,
    spent INTEGER NOT NULL DEFAULT 0,   -- attempts before the operator asked for another round
    lease INTEGER,                      -- the lease under which it is being sent
    predecessor INTEGER,                -- the unfinished delivery of an earlier revision to the same endpoint
    digest_at INTEGER,                  -- the end of its digest's window; NULL for immediate delivery
    finished_at INTEGER,
    code TEXT,                          -- of the last attempt, as the detail
    detail TEXT,
    -- Whether the endpoint may have got what the state does not tell: its worker died during the attempt, or it was
    -- delivered before the operator had it sent again. It hears of corrections and of the withdrawal.
    is_perhaps_got INTEGER NOT NULL DEFAULT 0,
    UNIQUE (bulletin, endpoint)
) STRICT;

-- The fair order: the n-th delivery of a bulletin counts as if it had come n seconds after the first, so that neither does
-- a small bulletin wait behind a large one, nor a large one behind an endless row of small ones.
CREATE INDEX deliveries_ready ON deliveries (channel, priority, turn) WHERE state = 'pending' AND turn IS NOT NULL;
CREATE INDEX deliveries_timed ON deliveries (channel, priority, due_at)
    WHERE state = 'pending' AND turn IS NULL AND due_at IS NOT NULL AND digest_at IS NULL;
CREATE INDEX deliveries_digests ON deliveries (due_at, endpoint, digest_at)
    WHERE state = 'pending' AND due_at IS NOT NULL AND digest_at IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (predecessor) WHERE due_at IS NULL AND state = 'pending';
CREATE INDEX deliveries_leases ON deliveries (lease) WHERE state = 'sending';
CREATE INDEX deliveries_subscription ON deliveries (subscription) WHERE state = 'pending';
-- Private feeds, in the order in which their bulletins were routed.
CREATE INDEX deliveries_feed ON deliveries (endpoint) WHERE channel = 'feed';

CREATE TABLE attempts (
    delivery INTEGER NOT NULL REFERENCES deliveries,
    number INTEGER NOT NULL,            -- over the delivery's whole life, starting at 1
    started_at INTEGER NOT NULL,
    duration INTEGER NOT NULL,          -- milliseconds
    outcome TEXT NOT NULL,
    code TEXT,
    detail TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- Reports that came back of mails which a relay had taken. A delivery may have several.
CREATE TABLE bounces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('failed', 'delayed', 'complaint')),
    status TEXT,                        -- the enhanced status code (RFC 3463)
    detail TEXT,
    received_at INTEGER NOT NULL
) STRICT;

CREATE INDEX bounces_delivery ON bounces (delivery);

-- Addresses that get nothing, whatever subscriptions they have.
CREATE TABLE suppressions (
    address TEXT NOT NULL PRIMARY KEY,  -- in lower case
    why TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    until INTEGER                       -- when it ends by itself; NULL for never
) STRICT, WITHOUT ROWID;

CREATE INDEX suppressions_until ON suppressions (until) WHERE until IS NOT NULL;

-- On how many days mails to an address failed that might be delivered on another day.
CREATE TABLE mail_failures (
    address TEXT NOT NULL PRIMARY KEY,  -- in lower case
    days INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX mail_failures_last ON mail_failures (last_at);

-- Endpoints whose address was erased, until no trace of it is left: the receivers' words about it (is_swept 0), then what
-- the write-ahead log still holds. The id 0 is for an erased address that had no endpoint.
CREATE TABLE erasures (
    endpoint INTEGER PRIMARY KEY,
    is_swept INTEGER NOT NULL
) STRICT;

-- Receipts ------------------------------------------------------------------------------------------------------------

-- Waits to reach the broker: receipts, and rejected messages on their way to kentongan.rejected.
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

-- Retention and the enforced foreign key look for a refusal's message.
CREATE INDEX outbox_refusal ON outbox (refusal) WHERE refusal IS NOT NULL;

-- Mails that are about no bulletin: to owners of endpoints, and to operators.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    address TEXT,                       -- NULL for the operators
    language TEXT NOT NULL,
    details TEXT NOT NULL,              -- JSON
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX notices_due ON notices (due_at);

-- Feeds ---------------------------------------------------------------------------------------------------------------

-- Grows with each change of the public feeds: while the number is the same, so is every feed. An item's place in feeds is
-- the number at which it was put there, so that later items have higher places, even those of a bulletin that waited for
-- its time.
CREATE TABLE feed_generation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

INSERT INTO feed_generation (id, number, changed_at)
    VALUES (1, 0, 1000 * CAST(strftime('%s', 'now') AS INTEGER));

-- The newest routed revision of each bulletin, in a list for each region that it addresses and each that contains one of
-- these, for all fields (*), its fields and those above them. `list` is its kind, 4 more if the region is addressed itself,
-- and 8 or 16 more in lists of events or alerts only. The feed of a region is merged from its own lists and those of what
-- is addressed to the regions above it, so that no region needs a row of its own. There is no foreign key: a bulletin's
-- rows are found by its regions, and an index by bulletin would cost as much as the table.
CREATE TABLE feed_items (
    region INTEGER NOT NULL,
    field TEXT NOT NULL,
    list INTEGER NOT NULL,
    place INTEGER NOT NULL,
    bulletin INTEGER NOT NULL,
    PRIMARY KEY (region, field, list, place)
) STRICT, WITHOUT ROWID;

-- The WebSub hub ------------------------------------------------------------------------------------------------------

-- A subscription is a callback and a feed. A push is of the feed as it is when it is sent, not of one bulletin, so a
-- subscription has one push at most: a further change while it waits makes it the push of that change.
CREATE TABLE hub_subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    callback TEXT NOT NULL,             -- the URL as it was verified
    host TEXT NOT NULL,                 -- the callback's, in lower case
    owner TEXT NOT NULL DEFAULT '',     -- the registered name that the host is part of, for the limits of the hub
    network TEXT NOT NULL DEFAULT '',   -- from which it was asked for
    topic TEXT NOT NULL,                -- the feed's path; a private feed's has the id of its endpoint for its token
    -- Which bulletins the feed holds: those of a region and field, of a publisher, or those sent to a feed's endpoint.
    region INTEGER,
    field TEXT,
    publisher TEXT,
    feed INTEGER,
    kinds INTEGER NOT NULL,
    contents INTEGER NOT NULL,          -- 1 only events, 2 only alerts
    secret BLOB,                        -- sealed with the store's key
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
    lease INTEGER,                      -- the lease under which it is being sent
    pushed_at INTEGER,
    code TEXT,                          -- of the last attempt, as the detail
    detail TEXT,
    failing_since INTEGER,              -- as of endpoints
    failing_for INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER
) STRICT;

CREATE UNIQUE INDEX hub_subscriptions_identity ON hub_subscriptions (callback, topic) WHERE state = 'active';
CREATE INDEX hub_subscriptions_callback ON hub_subscriptions (callback) WHERE state = 'ended';
CREATE INDEX hub_subscriptions_host ON hub_subscriptions (host) WHERE state = 'active';
CREATE INDEX hub_subscriptions_owner ON hub_subscriptions (owner) WHERE state = 'active';
CREATE INDEX hub_subscriptions_network ON hub_subscriptions (network) WHERE state = 'active';
CREATE INDEX hub_subscriptions_expiry ON hub_subscriptions (expires_at) WHERE state = 'active';
CREATE INDEX hub_subscriptions_region ON hub_subscriptions (field, region)
    WHERE state = 'active' AND region IS NOT NULL;
CREATE INDEX hub_subscriptions_publisher ON hub_subscriptions (publisher)
    WHERE state = 'active' AND publisher IS NOT NULL;
CREATE INDEX hub_subscriptions_feed ON hub_subscriptions (feed) WHERE state = 'active' AND feed IS NOT NULL;
CREATE INDEX hub_subscriptions_due ON hub_subscriptions (priority, due_at) WHERE state = 'active' AND due_at IS NOT NULL;
CREATE INDEX hub_subscriptions_leases ON hub_subscriptions (lease) WHERE lease IS NOT NULL;
CREATE INDEX hub_subscriptions_failing ON hub_subscriptions (failing_since) WHERE failing_since IS NOT NULL;
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

-- Questions to callbacks, and messages for them. A row goes once the callback has answered, or has failed to for too long.
CREATE TABLE hub_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mode TEXT NOT NULL CHECK (mode IN ('subscribe', 'unsubscribe', 'denied')),
    callback TEXT NOT NULL,
    host TEXT NOT NULL,
    owner TEXT NOT NULL DEFAULT '',
    network TEXT NOT NULL,
    topic TEXT NOT NULL,
    region INTEGER,
    field TEXT,
    publisher TEXT,
    feed INTEGER,
    kinds INTEGER NOT NULL,
    contents INTEGER NOT NULL,
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
CREATE INDEX hub_requests_owner ON hub_requests (owner);
CREATE INDEX hub_requests_network ON hub_requests (network);

-- Bulletins that were routed while the hub had subscriptions: their feeds have changed. `place` is the last subscription
-- that was marked for a push.
CREATE TABLE hub_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bulletin INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    place INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX hub_changes_order ON hub_changes (priority, id);
