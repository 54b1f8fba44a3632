-- What came back of mails that a relay had taken: failures, delays and complaints. A delivery may have several.
CREATE TABLE bounces (
    id INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('failed', 'delayed', 'complaint')),
    status TEXT,                        -- the enhanced status code
    detail TEXT,
    received_at INTEGER NOT NULL
) STRICT;

CREATE INDEX bounces_delivery ON bounces (delivery);
