-- The highest number of each table from which a row went. A number tells a receiver which message it has had before, and
-- links, secrets and return paths are made of numbers, so none of them may come again.
CREATE TABLE last_numbers (
    name TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO last_numbers (name, number) VALUES
    ('subscribers', coalesce((SELECT max(id) FROM subscribers), 0)),
    ('endpoints', coalesce((SELECT max(id) FROM endpoints), 0)),
    ('subscriptions', coalesce((SELECT max(id) FROM subscriptions), 0)),
    ('deliveries', coalesce((SELECT max(id) FROM deliveries), 0)),
    ('refusals', coalesce((SELECT max(id) FROM refusals), 0)),
    ('bounces', coalesce((SELECT max(id) FROM bounces), 0));

CREATE TRIGGER subscribers_last BEFORE DELETE ON subscribers WHEN OLD.id = (SELECT max(id) FROM subscribers) BEGIN
    UPDATE last_numbers SET number = max(number, OLD.id) WHERE name = 'subscribers';
END;
CREATE TRIGGER endpoints_last BEFORE DELETE ON endpoints WHEN OLD.id = (SELECT max(id) FROM endpoints) BEGIN
    UPDATE last_numbers SET number = max(number, OLD.id) WHERE name = 'endpoints';
END;
CREATE TRIGGER subscriptions_last BEFORE DELETE ON subscriptions WHEN OLD.id = (SELECT max(id) FROM subscriptions) BEGIN
    UPDATE last_numbers SET number = max(number, OLD.id) WHERE name = 'subscriptions';
END;
CREATE TRIGGER deliveries_last BEFORE DELETE ON deliveries WHEN OLD.id = (SELECT max(id) FROM deliveries) BEGIN
    UPDATE last_numbers SET number = max(number, OLD.id) WHERE name = 'deliveries';
END;
CREATE TRIGGER refusals_last BEFORE DELETE ON refusals WHEN OLD.id = (SELECT max(id) FROM refusals) BEGIN
    UPDATE last_numbers SET number = max(number, OLD.id) WHERE name = 'refusals';
END;
CREATE TRIGGER bounces_last BEFORE DELETE ON bounces WHEN OLD.id = (SELECT max(id) FROM bounces) BEGIN
    UPDATE last_numbers SET number = max(number, OLD.id) WHERE name = 'bounces';
END;

-- Tells this store's receipts, mails and webhooks from those of another installation.
INSERT OR IGNORE INTO settings (name, value) VALUES ('identity', lower(hex(randomblob(4))));

-- How an endpoint's subscriptions are found once they have ended; `subscriptions_identity` has the others.
CREATE INDEX subscriptions_ended ON subscriptions (endpoint, ended_at) WHERE state = 'ended';

-- Endpoints whose address was forgotten, until no trace of it is left: what receivers said of it (`is_swept` 0), and then
-- what the log still has. 0 is for what is no endpoint.
CREATE TABLE erasures (
    endpoint INTEGER PRIMARY KEY,
    is_swept INTEGER NOT NULL
) STRICT;
CREATE INDEX subscribers_owner_folded ON subscribers (lower(owner)) WHERE owner IS NOT NULL;
CREATE INDEX hub_subscriptions_callback ON hub_subscriptions (callback) WHERE state = 'ended';
-- Retention and the enforced key look for a refusal's message.
CREATE INDEX outbox_refusal ON outbox (refusal) WHERE refusal IS NOT NULL;
-- A digest's deliveries are found by the bulletins of its window; an index of deliveries by endpoint would write a page per
-- delivery.
CREATE INDEX bulletins_routed ON bulletins (routed_at) WHERE routed_at IS NOT NULL;
