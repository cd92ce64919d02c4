-- What the complete OpenID Provider keeps: the rest of a registration, the
-- claims that were asked for, pushed requests, spent assertions, and tokens that
-- let clients register.

ALTER TABLE clients ADD COLUMN metadata {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN claims {{.Text}} NOT NULL DEFAULT '';

CREATE TABLE pushed_requests (
    uri_hash   {{.Text}} PRIMARY KEY,
    client_id  {{.Text}} NOT NULL,
    params     {{.Text}} NOT NULL,
    created_at {{.Int}} NOT NULL,
    expires_at {{.Int}} NOT NULL,
    used_at    {{.Int}} NOT NULL
){{.Hot}};
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);

CREATE TABLE spent_assertions (
    client_id  {{.Text}} NOT NULL,
    jti_hash   {{.Text}} NOT NULL,
    expires_at {{.Int}} NOT NULL,
    PRIMARY KEY (client_id, jti_hash)
){{.Cold}};
CREATE INDEX spent_assertions_expiry ON spent_assertions (expires_at);

CREATE TABLE initial_access_tokens (
    hash       {{.Text}} PRIMARY KEY,
    note       {{.Text}} NOT NULL,
    uses_left  {{.Int}} NOT NULL,
    created_at {{.Int}} NOT NULL,
    expires_at {{.Int}} NOT NULL
){{.Cold}};
