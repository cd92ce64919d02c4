ALTER TABLE users DROP COLUMN email_vouched_by;
