ALTER TABLE users DROP COLUMN known_since;
ALTER TABLE logins DROP COLUMN identifier;
