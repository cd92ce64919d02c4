DROP TABLE former_usernames;
ALTER TABLE remote_accounts DROP COLUMN locale;
ALTER TABLE users DROP COLUMN details;
