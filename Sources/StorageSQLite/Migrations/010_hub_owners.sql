-- Who takes how much of the hub: by the name that somebody registered, of which a callback's host is a part, and by the
-- network that asked. A subscription made before counts by its host, and for no network, until it is renewed.
ALTER TABLE hub_subscriptions ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE hub_subscriptions ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE hub_requests ADD COLUMN owner TEXT NOT NULL DEFAULT '';
UPDATE hub_subscriptions SET owner = host WHERE state = 'active';
UPDATE hub_requests SET owner = host;

CREATE INDEX hub_subscriptions_owner ON hub_subscriptions (owner) WHERE state = 'active';
CREATE INDEX hub_subscriptions_network ON hub_subscriptions (network) WHERE state = 'active';
CREATE INDEX hub_requests_owner ON hub_requests (owner);
