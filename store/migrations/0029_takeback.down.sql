-- Without what they are about these links would do nothing.
DELETE FROM mail_tokens WHERE about <> '';
ALTER TABLE mail_tokens DROP COLUMN about;
