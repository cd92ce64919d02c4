-- What keeps a remote token alive: when its refresh token ends, who is refreshing
-- it (a lease, and since when no answer has been recorded), when to try again
-- after a failure, and whether the person must connect again. The version grows
-- with each refresh token, so that a late answer never overwrites a newer one.

ALTER TABLE remote_tokens ADD COLUMN refresh_expires_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE remote_tokens ADD COLUMN version {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE remote_tokens ADD COLUMN lease_id {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE remote_tokens ADD COLUMN lease_until {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE remote_tokens ADD COLUMN asked_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE remote_tokens ADD COLUMN retry_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE remote_tokens ADD COLUMN failures {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE remote_tokens ADD COLUMN state {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE remote_tokens ADD COLUMN last_error {{.Text}} NOT NULL DEFAULT '';
CREATE INDEX remote_tokens_ending ON remote_tokens (refresh_expires_at) WHERE refresh_expires_at <> 0;

-- Which keys of the keyring the running replicas know: a new one seals nothing
-- before all of them do.

CREATE TABLE replicas (
    id       {{.Text}} PRIMARY KEY,
    seen_at  {{.Int}} NOT NULL,
    seals    {{.Text}} NOT NULL,
    opens    {{.Text}} NOT NULL
){{.Cold}};
CREATE INDEX replicas_seen ON replicas (seen_at);
