-- The first schema. {{.Int}} holds counts, and times as microseconds since 1970
-- in UTC, 0 for none. Nothing is NULL. Rows that every request changes leave
-- room in their page and index nothing that changes ({{.Hot}}), so that PostgreSQL
-- updates them in place (HOT). Hot tables have no foreign keys: checking them
-- would lock the client's row for every grant.

CREATE TABLE users (
    id                {{.Text}} PRIMARY KEY,
    email             {{.Text}} NOT NULL,
    email_verified_at {{.Int}} NOT NULL,
    username          {{.Text}} NOT NULL,
    username_key      {{.Text}} NOT NULL, -- folded: SQLite's lower() knows ASCII only
    name              {{.Text}} NOT NULL,
    locale            {{.Text}} NOT NULL,
    password_hash     {{.Text}} NOT NULL,
    password_set_at   {{.Int}} NOT NULL,
    admin             {{.Bool}} NOT NULL,
    disabled_at       {{.Int}} NOT NULL,
    created_at        {{.Int}} NOT NULL,
    updated_at        {{.Int}} NOT NULL,
    version           {{.Int}} NOT NULL
){{.Cold}};
CREATE UNIQUE INDEX users_email_key ON users (email) WHERE email <> '';
CREATE UNIQUE INDEX users_username_key ON users (username_key) WHERE username_key <> '';
CREATE INDEX users_admin ON users (id) WHERE admin;

CREATE TABLE user_identities (
    id           {{.Text}} PRIMARY KEY,
    user_id      {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider     {{.Text}} NOT NULL,
    issuer       {{.Text}} NOT NULL,
    subject      {{.Text}} NOT NULL,
    created_at   {{.Int}} NOT NULL,
    last_used_at {{.Int}} NOT NULL
){{.Cold}};
CREATE UNIQUE INDEX user_identities_subject_key ON user_identities (provider, issuer, subject);
CREATE INDEX user_identities_user ON user_identities (user_id);

CREATE TABLE remote_accounts (
    id             {{.Text}} PRIMARY KEY,
    user_id        {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider       {{.Text}} NOT NULL,
    issuer         {{.Text}} NOT NULL,
    subject        {{.Text}} NOT NULL,
    client_id      {{.Text}} NOT NULL,
    username       {{.Text}} NOT NULL,
    name           {{.Text}} NOT NULL,
    email          {{.Text}} NOT NULL,
    email_verified {{.Bool}} NOT NULL,
    profile_url    {{.Text}} NOT NULL,
    extra          {{.Text}} NOT NULL,
    created_at     {{.Int}} NOT NULL,
    updated_at     {{.Int}} NOT NULL
){{.Cold}};
CREATE UNIQUE INDEX remote_accounts_subject_key ON remote_accounts (provider, issuer, subject);
CREATE INDEX remote_accounts_user ON remote_accounts (user_id);

CREATE TABLE remote_tokens (
    account_id    {{.Text}} NOT NULL REFERENCES remote_accounts (id) ON DELETE CASCADE,
    kind          {{.Text}} NOT NULL,
    access_token  {{.Bytes}} NOT NULL, -- sealed
    refresh_token {{.Bytes}} NOT NULL, -- sealed
    id_token      {{.Bytes}} NOT NULL, -- sealed
    token_type    {{.Text}} NOT NULL,
    scopes        {{.Text}} NOT NULL,
    expires_at    {{.Int}} NOT NULL,
    updated_at    {{.Int}} NOT NULL,
    PRIMARY KEY (account_id, kind)
){{.Cold}};

CREATE TABLE attempts (
    state_hash   {{.Text}} PRIMARY KEY,
    browser_hash {{.Text}} NOT NULL,
    provider     {{.Text}} NOT NULL,
    purpose      {{.Text}} NOT NULL,
    user_id      {{.Text}} NOT NULL,
    login_id     {{.Text}} NOT NULL,
    return_to    {{.Text}} NOT NULL,
    redirect_uri {{.Text}} NOT NULL,
    client_id    {{.Text}} NOT NULL,
    session      {{.Bytes}} NOT NULL, -- sealed
    created_at   {{.Int}} NOT NULL,
    expires_at   {{.Int}} NOT NULL,
    used_at      {{.Int}} NOT NULL
){{.Hot}};
CREATE INDEX attempts_expiry ON attempts (expires_at);

CREATE TABLE logins (
    id           {{.Text}} PRIMARY KEY,
    browser_hash {{.Text}} NOT NULL,
    client_id    {{.Text}} NOT NULL,
    request      {{.Text}} NOT NULL,
    return_to    {{.Text}} NOT NULL,
    force        {{.Bool}} NOT NULL,
    user_id      {{.Text}} NOT NULL,
    auth_time    {{.Int}} NOT NULL,
    amr          {{.Text}} NOT NULL,
    acr          {{.Text}} NOT NULL,
    provider     {{.Text}} NOT NULL,
    sid          {{.Text}} NOT NULL,
    remote       {{.Bytes}} NOT NULL, -- sealed
    sign_up      {{.Bytes}} NOT NULL, -- sealed
    started_at   {{.Int}} NOT NULL,
    expires_at   {{.Int}} NOT NULL,
    finished_at  {{.Int}} NOT NULL
){{.Hot}};
CREATE INDEX logins_expiry ON logins (expires_at);

CREATE TABLE sessions (
    id_hash      {{.Text}} PRIMARY KEY,
    sid          {{.Text}} NOT NULL,
    user_id      {{.Text}} NOT NULL,
    auth_time    {{.Int}} NOT NULL,
    amr          {{.Text}} NOT NULL,
    acr          {{.Text}} NOT NULL,
    provider     {{.Text}} NOT NULL,
    data         {{.Bytes}} NOT NULL,
    user_agent   {{.Text}} NOT NULL,
    ip           {{.Text}} NOT NULL,
    created_at   {{.Int}} NOT NULL,
    last_seen_at {{.Int}} NOT NULL,
    expires_at   {{.Int}} NOT NULL
){{.Hot}};
CREATE INDEX sessions_user ON sessions (user_id) WHERE user_id <> '';
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE clients (
    id                        {{.Text}} PRIMARY KEY,
    name                      {{.Text}} NOT NULL,
    secrets                   {{.Text}} NOT NULL, -- hashes
    auth_method               {{.Text}} NOT NULL,
    redirect_uris             {{.Text}} NOT NULL,
    post_logout_redirect_uris {{.Text}} NOT NULL,
    grant_types               {{.Text}} NOT NULL,
    scopes                    {{.Text}} NOT NULL,
    id_token_alg              {{.Text}} NOT NULL,
    first_party               {{.Bool}} NOT NULL,
    require_pkce              {{.Bool}} NOT NULL,
    client_uri                {{.Text}} NOT NULL,
    policy_uri                {{.Text}} NOT NULL,
    terms_uri                 {{.Text}} NOT NULL,
    contacts                  {{.Text}} NOT NULL,
    created_at                {{.Int}} NOT NULL,
    updated_at                {{.Int}} NOT NULL,
    disabled_at               {{.Int}} NOT NULL,
    version                   {{.Int}} NOT NULL
){{.Cold}};

CREATE TABLE consents (
    user_id    {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id  {{.Text}} NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scopes     {{.Text}} NOT NULL,
    created_at {{.Int}} NOT NULL,
    updated_at {{.Int}} NOT NULL,
    PRIMARY KEY (user_id, client_id)
){{.Cold}};
CREATE INDEX consents_client ON consents (client_id);

CREATE TABLE grants (
    id                 {{.Text}} PRIMARY KEY,
    client_id          {{.Text}} NOT NULL,
    user_id            {{.Text}} NOT NULL,
    sid                {{.Text}} NOT NULL,
    scopes             {{.Text}} NOT NULL,
    audience           {{.Text}} NOT NULL,
    offline            {{.Bool}} NOT NULL, -- its scopes have offline_access
    code_hash          {{.Text}} NOT NULL,
    code_expires_at    {{.Int}} NOT NULL,
    code_used_at       {{.Int}} NOT NULL,
    redirect_uri       {{.Text}} NOT NULL,
    code_challenge     {{.Text}} NOT NULL,
    nonce              {{.Text}} NOT NULL,
    auth_time          {{.Int}} NOT NULL,
    amr                {{.Text}} NOT NULL,
    acr                {{.Text}} NOT NULL,
    provider           {{.Text}} NOT NULL,
    refresh_generation {{.Int}} NOT NULL,
    refresh_rotated_at {{.Int}} NOT NULL,
    refresh_expires_at {{.Int}} NOT NULL,
    expires_at         {{.Int}} NOT NULL,
    revoked_at         {{.Int}} NOT NULL,
    revoked_reason     {{.Text}} NOT NULL,
    created_at         {{.Int}} NOT NULL,
    last_used_at       {{.Int}} NOT NULL
){{.Hot}};
CREATE UNIQUE INDEX grants_code_key ON grants (code_hash) WHERE code_hash <> '';
CREATE INDEX grants_user ON grants (user_id) WHERE user_id <> '';
CREATE INDEX grants_sid ON grants (sid) WHERE sid <> '';

CREATE TABLE signing_keys (
    id         {{.Text}} PRIMARY KEY,
    alg        {{.Text}} NOT NULL,
    private    {{.Bytes}} NOT NULL, -- sealed
    created_at {{.Int}} NOT NULL,
    signs_from {{.Int}} NOT NULL,
    retires_at {{.Int}} NOT NULL,
    expires_at {{.Int}} NOT NULL
){{.Cold}};

CREATE TABLE mail_tokens (
    hash       {{.Text}} PRIMARY KEY,
    purpose    {{.Text}} NOT NULL,
    email      {{.Text}} NOT NULL,
    user_id    {{.Text}} NOT NULL,
    login_id   {{.Text}} NOT NULL,
    version    {{.Int}} NOT NULL,
    created_at {{.Int}} NOT NULL,
    expires_at {{.Int}} NOT NULL,
    used_at    {{.Int}} NOT NULL
){{.Hot}};
CREATE INDEX mail_tokens_user ON mail_tokens (user_id);
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);

CREATE TABLE outbox (
    id            {{.Text}} PRIMARY KEY,
    kind          {{.Text}} NOT NULL,
    payload       {{.Bytes}} NOT NULL, -- sealed
    created_at    {{.Int}} NOT NULL,
    next_at       {{.Int}} NOT NULL,
    attempts      {{.Int}} NOT NULL,
    last_error    {{.Text}} NOT NULL,
    claimed_until {{.Int}} NOT NULL,
    done_at       {{.Int}} NOT NULL,
    failed_at     {{.Int}} NOT NULL
){{.Hot}};
CREATE INDEX outbox_open ON outbox (next_at, id) WHERE done_at = 0 AND failed_at = 0;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at <> 0;
CREATE INDEX outbox_failed ON outbox (failed_at) WHERE failed_at <> 0;

CREATE TABLE events (
    id         {{.Text}} PRIMARY KEY,
    happened_at {{.Int}} NOT NULL,
    name       {{.Text}} NOT NULL,
    user_id    {{.Text}} NOT NULL,
    client_id  {{.Text}} NOT NULL,
    provider   {{.Text}} NOT NULL,
    sid        {{.Text}} NOT NULL,
    request_id {{.Text}} NOT NULL,
    ip         {{.Text}} NOT NULL,
    detail     {{.Text}} NOT NULL
){{.Cold}};
CREATE INDEX events_time ON events (happened_at, id);
CREATE INDEX events_user ON events (user_id, happened_at, id) WHERE user_id <> '';

CREATE TABLE heartbeats (
    id      {{.Text}} PRIMARY KEY,
    beat_at {{.Int}} NOT NULL
){{.Hot}};
