-- When an account that its person has closed is to be erased; 0 it is not closed.

ALTER TABLE users ADD COLUMN erase_at {{.Int}} NOT NULL DEFAULT 0;
CREATE INDEX users_erase ON users (erase_at) WHERE erase_at <> 0;
