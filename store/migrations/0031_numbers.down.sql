DELETE FROM factors WHERE until_at <> 0;
DROP INDEX factors_until;
ALTER TABLE factors DROP COLUMN until_at;
