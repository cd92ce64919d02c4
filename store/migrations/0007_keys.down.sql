-- A program of before knows no withdrawn keys: their times keep them out of use.
DROP INDEX signing_keys_generation;
ALTER TABLE signing_keys DROP COLUMN revoked_at;
ALTER TABLE signing_keys DROP COLUMN generation;
