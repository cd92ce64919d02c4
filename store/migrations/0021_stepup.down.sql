DROP TABLE remembered_browsers;
ALTER TABLE factors DROP COLUMN code_tries;
ALTER TABLE factors DROP COLUMN code_at;
ALTER TABLE factors DROP COLUMN code_mac;
ALTER TABLE factors DROP COLUMN begun_by;
DELETE FROM sessions WHERE remembered <> ''; -- they would count as begun before the factor was
ALTER TABLE sessions DROP COLUMN remembered;
ALTER TABLE logins DROP COLUMN sets_up_factor;
