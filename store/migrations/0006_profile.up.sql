-- What people may tell of themselves where the operator asks for it: a telephone
-- number and a postal address.

ALTER TABLE users ADD COLUMN phone {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN address {{.Text}} NOT NULL DEFAULT '';
