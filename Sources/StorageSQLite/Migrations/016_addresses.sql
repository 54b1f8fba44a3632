-- Addresses in their one spelling: a domain in small letters and ASCII, a URL as RFC 3986 section 6.2.2 has it. Where the
-- one spelling is there already, the other one stays: `kentongan subscriptions doubles` names both.
UPDATE OR IGNORE endpoints SET address = canonical_address(address)
    WHERE channel IN ('email', 'webhook') AND address NOT LIKE 'erased:%' AND address <> canonical_address(address);
UPDATE OR IGNORE suppressions SET address = lower(canonical_address(address))
    WHERE address NOT LIKE 'erased:%' AND address <> lower(canonical_address(address));
UPDATE OR IGNORE mail_failures SET address = lower(canonical_address(address))
    WHERE address <> lower(canonical_address(address));
UPDATE OR IGNORE subscribers SET owner = canonical_address(owner)
    WHERE owner LIKE '%@%' AND owner <> canonical_address(owner);
-- A secret is sealed for its callback's spelling, so that a subscription with one keeps that until its lease ends.
UPDATE OR IGNORE hub_subscriptions SET callback = canonical_address(callback)
    WHERE state = 'active' AND secret IS NULL AND callback <> canonical_address(callback);
