-- What a subscription's webhook gets: the whole bulletin, or its identity and where it stands.
ALTER TABLE subscriptions ADD COLUMN payload TEXT NOT NULL DEFAULT 'full' CHECK (payload IN ('full', 'thin'));

-- How a webhook is signed, a mask: 1 HMAC-SHA256 (v1), 2 Ed25519 (v1a).
ALTER TABLE endpoints ADD COLUMN signatures INTEGER NOT NULL DEFAULT 1;
-- The version before the last rotation, and until when its keys sign beside those of secret_version.
ALTER TABLE endpoints ADD COLUMN previous_version INTEGER;
ALTER TABLE endpoints ADD COLUMN previous_until INTEGER;
