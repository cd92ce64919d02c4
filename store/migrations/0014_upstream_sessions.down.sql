ALTER TABLE logins DROP COLUMN upstream;
DROP TABLE upstream_logouts;
DROP TABLE upstream_sessions;
