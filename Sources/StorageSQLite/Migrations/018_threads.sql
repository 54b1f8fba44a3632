-- Whether the endpoint may have got what the row's state does not tell of: its worker died amid the attempt, or it was
-- delivered before the operator had it tried again. It hears of corrections and of the withdrawal.
ALTER TABLE deliveries ADD COLUMN is_perhaps_got INTEGER NOT NULL DEFAULT 0;

-- What took the place of retired codes, by the latest import. A worker or command that read its codes before looks here
-- when it records anything under one.
CREATE TABLE region_successors (
    retired INTEGER NOT NULL,
    place INTEGER NOT NULL,
    successor INTEGER NOT NULL,
    PRIMARY KEY (retired, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX region_successors_successor ON region_successors (successor);

-- A replacement of regions looks for who is at home there.
CREATE INDEX subscribers_home ON subscribers (home_region) WHERE home_region IS NOT NULL;
