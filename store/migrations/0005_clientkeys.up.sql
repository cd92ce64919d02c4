-- Keys that applications encrypt request objects to, and secrets that are needed
-- in the clear: those of applications that prove with a MAC who they are.

CREATE TABLE encryption_keys (
    id         {{.Text}} PRIMARY KEY,
    kty        {{.Text}} NOT NULL,
    private    {{.Bytes}} NOT NULL, -- sealed
    created_at {{.Int}} NOT NULL,
    retires_at {{.Int}} NOT NULL,
    expires_at {{.Int}} NOT NULL
){{.Cold}};
CREATE INDEX encryption_keys_expiry ON encryption_keys (expires_at) WHERE expires_at <> 0;

CREATE TABLE client_secrets (
    client_id {{.Text}} NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    hash      {{.Text}} NOT NULL,
    secret    {{.Bytes}} NOT NULL, -- sealed
    PRIMARY KEY (client_id, hash)
){{.Cold}};
