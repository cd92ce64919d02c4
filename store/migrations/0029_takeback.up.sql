-- A link in a mail that takes one thing back names it: the passkey or the second
-- factor that was added, or the session that a new browser began.

ALTER TABLE mail_tokens ADD COLUMN about {{.Text}} NOT NULL DEFAULT '';
