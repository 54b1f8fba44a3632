-- A replacement of regions looks for what is held.
CREATE INDEX bulletins_held ON bulletins (id) WHERE state = 'held';
