-- Fewer pages written for each delivery.

-- A claim keeps the numbers of its deliveries in the lease, instead of an index entry for each. `open` counts those that
-- have no outcome yet; the lease goes once it is 0.
ALTER TABLE leases ADD COLUMN deliveries TEXT NOT NULL DEFAULT '[]';
ALTER TABLE leases ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
UPDATE leases SET
    deliveries = (SELECT json_group_array(id) FROM deliveries INDEXED BY deliveries_leases
        WHERE state = 'sending' AND lease = leases.number),
    open = (SELECT count(*) FROM deliveries INDEXED BY deliveries_leases WHERE state = 'sending' AND lease = leases.number);
DROP INDEX deliveries_leases;

-- Its entries were in the order of subscriptions, so that each delivery wrote two pages of its own. Those that wait for a
-- time stay in it; the others are found by the bulletins with unfinished deliveries (see `UnfinishedDeliveries`), or by
-- the claim, which gives what an ended subscription leaves to another one, or to its heir.
DROP INDEX deliveries_subscription;
CREATE INDEX deliveries_later ON deliveries (subscription) WHERE state = 'pending' AND turn IS NULL;
CREATE INDEX bulletins_unfinished ON bulletins (id) WHERE pending > 0;
ALTER TABLE subscriptions ADD COLUMN heir INTEGER;

-- An attempt that succeeded as the first is told by the delivery's own row; see `AttemptHistory`.
ALTER TABLE deliveries ADD COLUMN started_at INTEGER;
ALTER TABLE deliveries ADD COLUMN duration INTEGER;

-- A bulletin of a thousand regions has legs of 100 KB, and its row changes with each batch of its outcomes.
ALTER TABLE payloads ADD COLUMN targets TEXT NOT NULL DEFAULT '[]';
UPDATE payloads SET targets = (SELECT targets FROM bulletins WHERE id = payloads.bulletin);
ALTER TABLE bulletins DROP COLUMN targets;

-- The deliveries of a complete bulletin by channel and state, as JSON: listings need not count a million rows. NULL while it
-- is not complete, and after retention removed some of them.
ALTER TABLE bulletins ADD COLUMN counts TEXT;

-- Deliveries that ended unsent are few, and operators ask for them.
CREATE INDEX deliveries_unsent ON deliveries (state)
    WHERE state IN ('failed', 'expired', 'cancelled', 'suppressed', 'bounced');
