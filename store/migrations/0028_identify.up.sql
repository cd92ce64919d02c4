-- Who somebody says they are, where sign-in asks for that first, waits in their login,
-- sealed: people mistake the field for the one of the password. And since when browsers
-- in which a person was signed in may show their ways of signing in.

ALTER TABLE logins ADD COLUMN identifier {{.Bytes}} NOT NULL DEFAULT {{.NoBytes}} /* sealed */;
ALTER TABLE users ADD COLUMN known_since {{.Int}} NOT NULL DEFAULT 0;
