-- Whose word stands for an address that no mail has proven.

ALTER TABLE users ADD COLUMN email_vouched_by {{.Text}} NOT NULL DEFAULT '';
