-- What operators say about accounts and about the e-mail domains that people come
-- from. Who is blocked or waits is disabled, too: that one column is what every way
-- in asks.

ALTER TABLE users ADD COLUMN verified_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN verified_by {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN blocked_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN blocked_reason {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN waiting_at {{.Int}} NOT NULL DEFAULT 0;
CREATE INDEX users_waiting ON users (id) WHERE waiting_at <> 0;
CREATE INDEX users_blocked ON users (id) WHERE blocked_at <> 0;

CREATE TABLE domains (
    name       {{.Text}} PRIMARY KEY,
    status     {{.Text}} NOT NULL,
    flagged_by {{.Text}} NOT NULL,
    decided_at {{.Int}} NOT NULL,
    created_at {{.Int}} NOT NULL,
    updated_at {{.Int}} NOT NULL
){{.Cold}};
