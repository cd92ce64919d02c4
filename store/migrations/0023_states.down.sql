DROP TABLE domains;
DROP INDEX users_blocked;
DROP INDEX users_waiting;
ALTER TABLE users DROP COLUMN waiting_at;
ALTER TABLE users DROP COLUMN blocked_reason;
ALTER TABLE users DROP COLUMN blocked_at;
ALTER TABLE users DROP COLUMN verified_by;
ALTER TABLE users DROP COLUMN verified_at;
