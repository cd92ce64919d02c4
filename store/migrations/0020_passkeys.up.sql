-- Keys of people that open their accounts: the public halves, which are no
-- secrets. passkey_challenges remembers what was answered, until it ends by itself;
-- what was not needs no row.

CREATE TABLE passkeys (
    id            {{.Text}} PRIMARY KEY,
    user_id       {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id {{.Text}} NOT NULL,
    handle        {{.Text}} NOT NULL,
    public_key    {{.Bytes}} NOT NULL,
    name          {{.Text}} NOT NULL,
    name_key      {{.Text}} NOT NULL, -- folded
    sign_count    {{.Int}} NOT NULL,
    syncable      {{.Bool}} NOT NULL,
    synced        {{.Bool}} NOT NULL,
    transports    {{.Text}} NOT NULL,
    created_at    {{.Int}} NOT NULL,
    last_used_at  {{.Int}} NOT NULL
){{.Cold}};
CREATE UNIQUE INDEX passkeys_credential ON passkeys (credential_id);
CREATE UNIQUE INDEX passkeys_user ON passkeys (user_id, name_key);

CREATE TABLE passkey_challenges (
    hash       {{.Text}} PRIMARY KEY,
    expires_at {{.Int}} NOT NULL
){{.Cold}};
CREATE INDEX passkey_challenges_expires ON passkey_challenges (expires_at);
