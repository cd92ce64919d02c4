-- Which session at a provider a session here came from: for signing out there, and
-- for ending it when the provider says that its own has ended. A row beside the
-- session, not in it, since every request reads that one.

CREATE TABLE upstream_sessions (
    id_hash   {{.Text}} PRIMARY KEY REFERENCES sessions (id_hash) ON DELETE CASCADE,
    provider  {{.Text}} NOT NULL,
    issuer    {{.Text}} NOT NULL,
    subject   {{.Text}} NOT NULL,
    sid       {{.Text}} NOT NULL,
    client_id {{.Text}} NOT NULL,
    id_token  {{.Bytes}} NOT NULL -- sealed
){{.Cold}};
CREATE INDEX upstream_sessions_subject ON upstream_sessions (provider, issuer, subject);
CREATE INDEX upstream_sessions_sid ON upstream_sessions (provider, issuer, sid) WHERE sid <> '';

-- Logout tokens that were used: none counts twice, and what was proven before one
-- came does not become a session after it.
CREATE TABLE upstream_logouts (
    provider   {{.Text}} NOT NULL,
    jti_hash   {{.Text}} NOT NULL,
    issuer     {{.Text}} NOT NULL,
    subject    {{.Text}} NOT NULL,
    sid        {{.Text}} NOT NULL,
    at         {{.Int}} NOT NULL,
    expires_at {{.Int}} NOT NULL,
    PRIMARY KEY (provider, jti_hash)
){{.Cold}};
CREATE INDEX upstream_logouts_issuer ON upstream_logouts (provider, issuer, at);
CREATE INDEX upstream_logouts_expiry ON upstream_logouts (expires_at);

ALTER TABLE logins ADD COLUMN upstream {{.Bytes}} NOT NULL DEFAULT {{.NoBytes}} /* sealed */;
