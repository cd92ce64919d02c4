-- One mailbox at a domain in letters of its own language has several spellings. The one that is
-- compared stands beside the address, and makes it unique; "" where the address is the only
-- spelling. The program fills it in, in the same transaction: of several accounts that have
-- one mailbox already the oldest has it, and the others what sorts them behind it.

ALTER TABLE users ADD COLUMN email_folded {{.Text}} NOT NULL DEFAULT '';
CREATE UNIQUE INDEX users_email_folded ON users (email_folded) WHERE email_folded <> '';
