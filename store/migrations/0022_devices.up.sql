-- A session knows since when it has its IP, whether it outlives its browser, and the
-- turn of the cookie that follows it (web/theft.go).

ALTER TABLE sessions ADD COLUMN ip_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN lasting {{.Bool}} NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN turn {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN turned_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN shown_at {{.Int}} NOT NULL DEFAULT 0;
UPDATE sessions SET ip_at = created_at WHERE ip <> '';
ALTER TABLE logins ADD COLUMN remember {{.Bool}} NOT NULL DEFAULT FALSE;

-- What forgets IPs finds those that are due.
CREATE INDEX sessions_ip ON sessions (ip_at) WHERE ip <> '';
CREATE INDEX events_ip ON events (happened_at) WHERE ip <> '';
CREATE INDEX remembered_browsers_ip ON remembered_browsers (created_at) WHERE ip <> '';

-- The latest sign-in of each person and the one before it.
CREATE TABLE sign_ins (
    user_id     {{.Text}} PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    times       {{.Int}} NOT NULL,
    at          {{.Int}} NOT NULL,
    ip          {{.Text}} NOT NULL,
    provider    {{.Text}} NOT NULL,
    detail      {{.Text}} NOT NULL,
    before_at       {{.Int}} NOT NULL,
    before_ip       {{.Text}} NOT NULL,
    before_provider {{.Text}} NOT NULL,
    before_detail   {{.Text}} NOT NULL
){{.Hot}};
CREATE INDEX sign_ins_ip ON sign_ins (at) WHERE ip <> '';
CREATE INDEX sign_ins_before_ip ON sign_ins (before_at) WHERE before_ip <> '';

-- The database keeps it as it writes the event, so that a sign-in costs no statement
-- more, and replicas of the version before keep it, too.
{{if .Cold -}}
CREATE TRIGGER events_sign_in AFTER INSERT ON events WHEN NEW.name = 'session.started' AND NEW.user_id <> '' BEGIN
INSERT INTO sign_ins (user_id, times, at, ip, provider, detail, before_at, before_ip, before_provider, before_detail)
SELECT id, 1, NEW.happened_at, NEW.ip, NEW.provider, NEW.detail, 0, '', '', '' FROM users WHERE id = NEW.user_id
ON CONFLICT (user_id) DO UPDATE SET times = sign_ins.times + 1,
before_at = sign_ins.at, before_ip = sign_ins.ip, before_provider = sign_ins.provider, before_detail = sign_ins.detail,
at = excluded.at, ip = excluded.ip, provider = excluded.provider, detail = excluded.detail; END;
{{- else -}}
CREATE FUNCTION keep_sign_in() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
INSERT INTO sign_ins (user_id, times, at, ip, provider, detail, before_at, before_ip, before_provider, before_detail)
SELECT id, 1, NEW.happened_at, NEW.ip, NEW.provider, NEW.detail, 0, '', '', '' FROM users WHERE id = NEW.user_id
ON CONFLICT (user_id) DO UPDATE SET times = sign_ins.times + 1,
before_at = sign_ins.at, before_ip = sign_ins.ip, before_provider = sign_ins.provider, before_detail = sign_ins.detail,
at = excluded.at, ip = excluded.ip, provider = excluded.provider, detail = excluded.detail; RETURN NULL; END $$;
CREATE TRIGGER events_sign_in AFTER INSERT ON events FOR EACH ROW
WHEN (NEW.name = 'session.started' AND NEW.user_id <> '') EXECUTE FUNCTION keep_sign_in();
{{- end}}
