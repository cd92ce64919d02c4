-- A second factor that is set up on the way in, one that is a telephone number,
-- and browsers in which people need not show theirs each time.

ALTER TABLE logins ADD COLUMN sets_up_factor {{.Bool}} NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN remembered {{.Text}} NOT NULL DEFAULT '';

ALTER TABLE factors ADD COLUMN begun_by {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE factors ADD COLUMN code_mac {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE factors ADD COLUMN code_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE factors ADD COLUMN code_tries {{.Int}} NOT NULL DEFAULT 0;

CREATE TABLE remembered_browsers (
    id           {{.Text}} PRIMARY KEY,
    user_id      {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash         {{.Text}} NOT NULL,
    stamp        {{.Text}} NOT NULL,
    browser      {{.Text}} NOT NULL,
    ip           {{.Text}} NOT NULL,
    created_at   {{.Int}} NOT NULL,
    last_used_at {{.Int}} NOT NULL,
    expires_at   {{.Int}} NOT NULL
){{.Cold}};
CREATE UNIQUE INDEX remembered_browsers_user ON remembered_browsers (user_id, hash);
CREATE INDEX remembered_browsers_hash ON remembered_browsers (hash);
CREATE INDEX remembered_browsers_expiry ON remembered_browsers (expires_at);
