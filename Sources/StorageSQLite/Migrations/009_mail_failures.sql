-- When a suppression ends by itself; NULL for one that does not.
ALTER TABLE suppressions ADD COLUMN until INTEGER;
CREATE INDEX suppressions_until ON suppressions (until) WHERE until IS NOT NULL;

-- On how many days mails to an address failed that might be delivered another day.
CREATE TABLE mail_failures (
    address TEXT NOT NULL PRIMARY KEY,  -- in lower case
    days INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_failures_last ON mail_failures (last_at);
