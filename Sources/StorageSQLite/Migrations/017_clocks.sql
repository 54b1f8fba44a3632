-- What keeps a wrong clock from doing harm for long; see docs/clocks.md.

-- When a worker last looked at its clock, and what it found then.
CREATE TABLE clock_mark (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seen_at INTEGER NOT NULL,
    hold INTEGER NOT NULL DEFAULT 0,    -- milliseconds for which retention still removes nothing
    -- The walk that brings back what was written by a clock that was ahead: the table, and the last number looked at.
    walk INTEGER,
    walk_number INTEGER NOT NULL DEFAULT 0
) STRICT;

-- How long an endpoint was seen to fail, in milliseconds: each gap between two failures counts as a day at most.
ALTER TABLE endpoints ADD COLUMN failing_for INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN failed_at INTEGER;
ALTER TABLE hub_subscriptions ADD COLUMN failing_for INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hub_subscriptions ADD COLUMN failed_at INTEGER;

CREATE INDEX notices_due ON notices (due_at);
CREATE INDEX endpoints_failing ON endpoints (failing_since) WHERE failing_since IS NOT NULL;
CREATE INDEX endpoints_rotating ON endpoints (previous_until) WHERE previous_until IS NOT NULL;
CREATE INDEX hub_subscriptions_failing ON hub_subscriptions (failing_since) WHERE failing_since IS NOT NULL;
