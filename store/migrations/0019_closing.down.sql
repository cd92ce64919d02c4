DROP INDEX users_erase;
ALTER TABLE users DROP COLUMN erase_at;
