DROP INDEX users_email_folded;
ALTER TABLE users DROP COLUMN email_folded;
