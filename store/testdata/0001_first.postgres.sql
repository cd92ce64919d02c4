-- A database of the first schema, with the rows of 0001_first.sqlite. Written by fixture_test.go.

CREATE TABLE users (
    id                text COLLATE "C" PRIMARY KEY,
    email             text COLLATE "C" NOT NULL,
    email_verified_at bigint NOT NULL,
    username          text COLLATE "C" NOT NULL,
    username_key      text COLLATE "C" NOT NULL, -- folded: SQLite's lower() knows ASCII only
    name              text COLLATE "C" NOT NULL,
    locale            text COLLATE "C" NOT NULL,
    password_hash     text COLLATE "C" NOT NULL,
    password_set_at   bigint NOT NULL,
    admin             boolean NOT NULL,
    disabled_at       bigint NOT NULL,
    created_at        bigint NOT NULL,
    updated_at        bigint NOT NULL,
    version           bigint NOT NULL
);
CREATE UNIQUE INDEX users_email_key ON users (email) WHERE email <> '';
CREATE UNIQUE INDEX users_username_key ON users (username_key) WHERE username_key <> '';
CREATE INDEX users_admin ON users (id) WHERE admin;
CREATE TABLE user_identities (
    id           text COLLATE "C" PRIMARY KEY,
    user_id      text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider     text COLLATE "C" NOT NULL,
    issuer       text COLLATE "C" NOT NULL,
    subject      text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    last_used_at bigint NOT NULL
);
CREATE UNIQUE INDEX user_identities_subject_key ON user_identities (provider, issuer, subject);
CREATE INDEX user_identities_user ON user_identities (user_id);
CREATE TABLE remote_accounts (
    id             text COLLATE "C" PRIMARY KEY,
    user_id        text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider       text COLLATE "C" NOT NULL,
    issuer         text COLLATE "C" NOT NULL,
    subject        text COLLATE "C" NOT NULL,
    client_id      text COLLATE "C" NOT NULL,
    username       text COLLATE "C" NOT NULL,
    name           text COLLATE "C" NOT NULL,
    email          text COLLATE "C" NOT NULL,
    email_verified boolean NOT NULL,
    profile_url    text COLLATE "C" NOT NULL,
    extra          text COLLATE "C" NOT NULL,
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL
);
CREATE UNIQUE INDEX remote_accounts_subject_key ON remote_accounts (provider, issuer, subject);
CREATE INDEX remote_accounts_user ON remote_accounts (user_id);
CREATE TABLE remote_tokens (
    account_id    text COLLATE "C" NOT NULL REFERENCES remote_accounts (id) ON DELETE CASCADE,
    kind          text COLLATE "C" NOT NULL,
    access_token  bytea NOT NULL, -- sealed
    refresh_token bytea NOT NULL, -- sealed
    id_token      bytea NOT NULL, -- sealed
    token_type    text COLLATE "C" NOT NULL,
    scopes        text COLLATE "C" NOT NULL,
    expires_at    bigint NOT NULL,
    updated_at    bigint NOT NULL,
    PRIMARY KEY (account_id, kind)
);
CREATE TABLE attempts (
    state_hash   text COLLATE "C" PRIMARY KEY,
    browser_hash text COLLATE "C" NOT NULL,
    provider     text COLLATE "C" NOT NULL,
    purpose      text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    login_id     text COLLATE "C" NOT NULL,
    return_to    text COLLATE "C" NOT NULL,
    redirect_uri text COLLATE "C" NOT NULL,
    client_id    text COLLATE "C" NOT NULL,
    session      bytea NOT NULL, -- sealed
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    used_at      bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX attempts_expiry ON attempts (expires_at);
CREATE TABLE logins (
    id           text COLLATE "C" PRIMARY KEY,
    browser_hash text COLLATE "C" NOT NULL,
    client_id    text COLLATE "C" NOT NULL,
    request      text COLLATE "C" NOT NULL,
    return_to    text COLLATE "C" NOT NULL,
    force        boolean NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    auth_time    bigint NOT NULL,
    amr          text COLLATE "C" NOT NULL,
    acr          text COLLATE "C" NOT NULL,
    provider     text COLLATE "C" NOT NULL,
    sid          text COLLATE "C" NOT NULL,
    remote       bytea NOT NULL, -- sealed
    sign_up      bytea NOT NULL, -- sealed
    started_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    finished_at  bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX logins_expiry ON logins (expires_at);
CREATE TABLE sessions (
    id_hash      text COLLATE "C" PRIMARY KEY,
    sid          text COLLATE "C" NOT NULL,
    user_id      text COLLATE "C" NOT NULL,
    auth_time    bigint NOT NULL,
    amr          text COLLATE "C" NOT NULL,
    acr          text COLLATE "C" NOT NULL,
    provider     text COLLATE "C" NOT NULL,
    data         bytea NOT NULL,
    user_agent   text COLLATE "C" NOT NULL,
    ip           text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    last_seen_at bigint NOT NULL,
    expires_at   bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX sessions_user ON sessions (user_id) WHERE user_id <> '';
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE TABLE clients (
    id                        text COLLATE "C" PRIMARY KEY,
    name                      text COLLATE "C" NOT NULL,
    secrets                   text COLLATE "C" NOT NULL, -- hashes
    auth_method               text COLLATE "C" NOT NULL,
    redirect_uris             text COLLATE "C" NOT NULL,
    post_logout_redirect_uris text COLLATE "C" NOT NULL,
    grant_types               text COLLATE "C" NOT NULL,
    scopes                    text COLLATE "C" NOT NULL,
    id_token_alg              text COLLATE "C" NOT NULL,
    first_party               boolean NOT NULL,
    require_pkce              boolean NOT NULL,
    client_uri                text COLLATE "C" NOT NULL,
    policy_uri                text COLLATE "C" NOT NULL,
    terms_uri                 text COLLATE "C" NOT NULL,
    contacts                  text COLLATE "C" NOT NULL,
    created_at                bigint NOT NULL,
    updated_at                bigint NOT NULL,
    disabled_at               bigint NOT NULL,
    version                   bigint NOT NULL
);
CREATE TABLE consents (
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id  text COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scopes     text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_client ON consents (client_id);
CREATE TABLE grants (
    id                 text COLLATE "C" PRIMARY KEY,
    client_id          text COLLATE "C" NOT NULL,
    user_id            text COLLATE "C" NOT NULL,
    sid                text COLLATE "C" NOT NULL,
    scopes             text COLLATE "C" NOT NULL,
    audience           text COLLATE "C" NOT NULL,
    offline            boolean NOT NULL, -- its scopes have offline_access
    code_hash          text COLLATE "C" NOT NULL,
    code_expires_at    bigint NOT NULL,
    code_used_at       bigint NOT NULL,
    redirect_uri       text COLLATE "C" NOT NULL,
    code_challenge     text COLLATE "C" NOT NULL,
    nonce              text COLLATE "C" NOT NULL,
    auth_time          bigint NOT NULL,
    amr                text COLLATE "C" NOT NULL,
    acr                text COLLATE "C" NOT NULL,
    provider           text COLLATE "C" NOT NULL,
    refresh_generation bigint NOT NULL,
    refresh_rotated_at bigint NOT NULL,
    refresh_expires_at bigint NOT NULL,
    expires_at         bigint NOT NULL,
    revoked_at         bigint NOT NULL,
    revoked_reason     text COLLATE "C" NOT NULL,
    created_at         bigint NOT NULL,
    last_used_at       bigint NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX grants_code_key ON grants (code_hash) WHERE code_hash <> '';
CREATE INDEX grants_user ON grants (user_id) WHERE user_id <> '';
CREATE INDEX grants_sid ON grants (sid) WHERE sid <> '';
CREATE TABLE signing_keys (
    id         text COLLATE "C" PRIMARY KEY,
    alg        text COLLATE "C" NOT NULL,
    private    bytea NOT NULL, -- sealed
    created_at bigint NOT NULL,
    signs_from bigint NOT NULL,
    retires_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE mail_tokens (
    hash       text COLLATE "C" PRIMARY KEY,
    purpose    text COLLATE "C" NOT NULL,
    email      text COLLATE "C" NOT NULL,
    user_id    text COLLATE "C" NOT NULL,
    login_id   text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at    bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX mail_tokens_user ON mail_tokens (user_id);
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);
CREATE TABLE outbox (
    id            text COLLATE "C" PRIMARY KEY,
    kind          text COLLATE "C" NOT NULL,
    payload       bytea NOT NULL, -- sealed
    created_at    bigint NOT NULL,
    next_at       bigint NOT NULL,
    attempts      bigint NOT NULL,
    last_error    text COLLATE "C" NOT NULL,
    claimed_until bigint NOT NULL,
    done_at       bigint NOT NULL,
    failed_at     bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX outbox_open ON outbox (next_at, id) WHERE done_at = 0 AND failed_at = 0;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at <> 0;
CREATE INDEX outbox_failed ON outbox (failed_at) WHERE failed_at <> 0;
CREATE TABLE events (
    id         text COLLATE "C" PRIMARY KEY,
    happened_at bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    user_id    text COLLATE "C" NOT NULL,
    client_id  text COLLATE "C" NOT NULL,
    provider   text COLLATE "C" NOT NULL,
    sid        text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    ip         text COLLATE "C" NOT NULL,
    detail     text COLLATE "C" NOT NULL
);
CREATE INDEX events_time ON events (happened_at, id);
CREATE INDEX events_user ON events (user_id, happened_at, id) WHERE user_id <> '';
CREATE TABLE heartbeats (
    id      text COLLATE "C" PRIMARY KEY,
    beat_at bigint NOT NULL
) WITH (fillfactor = 80);
CREATE TABLE bun_migrations (id BIGSERIAL NOT NULL PRIMARY KEY, name VARCHAR, group_id BIGINT, migrated_at TIMESTAMPTZ NOT NULL DEFAULT current_timestamp);
INSERT INTO bun_migrations (name, group_id) VALUES ('0001', 1);
INSERT INTO users (id, email, email_verified_at, username, username_key, name, locale, password_hash, password_set_at, admin, disabled_at, created_at, updated_at, version) VALUES ('uada', 'ada@example.org', 1765013400123456, 'Ada', 'ADA', 'Ada Lovelace', 'en', '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHBhc3N3b3Jk', 1765013400123456, true, 0, 1765013400123456, 1768210200123456, 4);
INSERT INTO users (id, email, email_verified_at, username, username_key, name, locale, password_hash, password_set_at, admin, disabled_at, created_at, updated_at, version) VALUES ('ubea', 'bea@example.org', 1766741400123456, 'Bääh', 'BÄÄH', 'Béatrice 🧪 山田', 'de', '', 0, false, 0, 1766741400123456, 1766741400123456, 0);
INSERT INTO users (id, email, email_verified_at, username, username_key, name, locale, password_hash, password_set_at, admin, disabled_at, created_at, updated_at, version) VALUES ('ucem', 'cem@example.org', 1765877400123456, '', '', 'Cem', '', '', 0, false, 1768296600123456, 1765877400123456, 1768296600123456, 1);
INSERT INTO users (id, email, email_verified_at, username, username_key, name, locale, password_hash, password_set_at, admin, disabled_at, created_at, updated_at, version) VALUES ('udan', 'dan@example.org', 0, '', '', 'Made by an operator', '', '', 0, false, 0, 1768383000123456, 1768383000123456, 0);
INSERT INTO user_identities (id, user_id, provider, issuer, subject, created_at, last_used_at) VALUES ('iada-github', 'uada', 'github', 'https://github.com', '583231', 1765099800123456, 1768383000123456);
INSERT INTO user_identities (id, user_id, provider, issuer, subject, created_at, last_used_at) VALUES ('iada-orcid', 'uada', 'orcid', 'https://orcid.org', '0000-0002-1825-0097', 1765186200123456, 0);
INSERT INTO user_identities (id, user_id, provider, issuer, subject, created_at, last_used_at) VALUES ('ibea-cern', 'ubea', 'cern', 'https://auth.cern.ch/auth/realms/cern', 'bea', 1766741400123456, 1768037400123456);
INSERT INTO remote_accounts (id, user_id, provider, issuer, subject, client_id, username, name, email, email_verified, profile_url, extra, created_at, updated_at) VALUES ('aada-github', 'uada', 'github', 'https://github.com', '583231', 'Iv1.0123456789abcdef', 'ada', 'Ada Lovelace', 'ada@example.org', true, 'https://github.com/ada', '{"id": 583231, "company": "Analytical \u00e9ngines"}', 1765099800123456, 1768383000123456);
INSERT INTO remote_accounts (id, user_id, provider, issuer, subject, client_id, username, name, email, email_verified, profile_url, extra, created_at, updated_at) VALUES ('aada-orcid', 'uada', 'orcid', 'https://orcid.org', '0000-0002-1825-0097', 'APP-1', '', 'Ada Lovelace', '', false, 'https://orcid.org/0000-0002-1825-0097', '', 1765186200123456, 1765186200123456);
INSERT INTO remote_accounts (id, user_id, provider, issuer, subject, client_id, username, name, email, email_verified, profile_url, extra, created_at, updated_at) VALUES ('abea-cern', 'ubea', 'cern', 'https://auth.cern.ch/auth/realms/cern', 'bea', '', 'bea', '', '', false, '', '', 1766741400123456, 1768037400123456);
INSERT INTO remote_tokens (account_id, kind, access_token, refresh_token, id_token, token_type, scopes, expires_at, updated_at) VALUES ('aada-github', '', '\x01025940520cf62209162a6809e5096269fe9b31aa97b2ade893d5505da498f295c33317ad12cd2affb0941b', '\x', '\x', 'bearer', '["read:user","user:email"]', 0, 1768383000123456);
INSERT INTO remote_tokens (account_id, kind, access_token, refresh_token, id_token, token_type, scopes, expires_at, updated_at) VALUES ('aada-orcid', '', '\x01025940529f3a95caa5bc60c3c030ec9c6f8e4847faf57ffc7bb86be0336006d932e97fe11ebf1302150de504', '\x0102594052bc2968f6f2d67fd420ec1c0eab2e55e885b5b25ae81c50b871ff1df1bb58e532974745c8c4ac74d649', '\x0102594052270874e31efd745f8417131692af8daa2ebb8b5a26f6231d2ad17b89cc5da8546b59804bc253d46d', 'bearer', '["openid"]', 2373269400123456, 1765186200123456);
INSERT INTO remote_tokens (account_id, kind, access_token, refresh_token, id_token, token_type, scopes, expires_at, updated_at) VALUES ('aada-orcid', 'transfer', '\x01025940528665b86528b61212b551fccf6396860888914098bf63f3f31766fa77c14d1b9e675c898646fda30ab8aea2', '\x', '\x', '', '', 0, 1765186200123456);
INSERT INTO attempts (state_hash, browser_hash, provider, purpose, user_id, login_id, return_to, redirect_uri, client_id, session, created_at, expires_at, used_at) VALUES ('-DkWE1UJH82eM_Vx4LEcYCF6UAn5lz52nBPXhY2xYsw', 'PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0', 'github', 'sign-in', '', 'lopen', '/', 'https://broker.example/oauth/authorized/github/', 'Iv1.0123456789abcdef', '\x0102594052c69cb28af00c47611f0714c00b7a5a4e13f555072107e440e480e44cd2296ed6e390b92089545a0b61ff0dab', 1768469400123456, 1768469700123456, 1768469460123456);
INSERT INTO attempts (state_hash, browser_hash, provider, purpose, user_id, login_id, return_to, redirect_uri, client_id, session, created_at, expires_at, used_at) VALUES ('I0j5mHRCElddhZWWdPlgerJvZ3CKkXFXRygyOGM3yQQ', 'PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0', 'orcid', 'link', 'uada', '', '', 'https://broker.example/oauth/authorized/orcid/', '', '\x01025940529a089ea4085649f3ffd915a3718e02918f04f6b95f3c2ec0a0ca5e473e41ff023a52e7ca5d8c670ee9', 1768469400123456, 10413792000000000, 0);
INSERT INTO logins (id, browser_hash, client_id, request, return_to, force, user_id, auth_time, amr, acr, provider, sid, remote, sign_up, started_at, expires_at, finished_at) VALUES ('lopen', 'PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0', 'wiki', 'client_id=wiki&scope=openid+email&state=xyz', '', true, '', 0, '', '', '', '', '\x01025940521651ee776ceea8dc16585100b719c0a155a18eef6640a57113569ecaff5732125ae5981289a07d6abe7897b598dde928eb7afceb4b16424cdf7a01dff74a9858b9b773d2eb028a3a43e3aec73c5c13d148aacff3e6764d7aba436ce08e7c11f3b5ecf3db209200016651e38113d7803aa1a8c983555f7465986cc6382b8b55ba1649be4a465f734a3b837c3b37be37e4afc0510bc01aee0e37225bad2ff62271114baec1aa68625e5450edf91747fe55cf1d7d2209c02dddb93114fc84537453bd5a16ffae50e2c9ff0c71b18300600e0077480b57f1597c68a624d01e3d5fefaf5e7badfecd239476835335ed021d524b344b230132ca51275929aadbf731ff004cb6c19720880da894892de243448f2f3d21a533ae162b2dea8aa6aafe0ef29ddd41062293f166b4d0d04f460c1dc7d5e78147d674229a6ae4f33934689d6261bf0e0985', '\x0102594052840ed7f90712737bc443fad3a3c9e7a224c5e9e64d237e20cfacdadaf04e7a98e913de289148ce435763465cdb20e50c93bed0d489dff696eaef94762a58cb2874e7b680b07288d4a9152b1f9c880e7cd24ff2f9c308a3baed2b9489f00e82bc0feef45614068a841157b3ae16dcc50cd3cf47477aaa4d11beacc2a0acc54186e289d494cd17982157ee45accdb26e1834549978b7502115fc6b1cc3c5baf692edc3e651da7f46450a183fc2d4d44cd079536929367a9d5a7d7eb996d34bba9d2aaec4e238e788cf89b8cc61dc2af731a5865ee2', 1768469400123456, 10413792000000000, 0);
INSERT INTO logins (id, browser_hash, client_id, request, return_to, force, user_id, auth_time, amr, acr, provider, sid, remote, sign_up, started_at, expires_at, finished_at) VALUES ('ldone', 'Ln0sA6lQeuJl7PW1NWiFpTOTogKdJBOUmXJloaJa78Y', '', '', '/account/settings/profile/', false, 'uada', 1768469400123456, '["pwd"]', 'urn:idbroker:acr:1fa', '', 'sid1', '\x', '\x', 1768469400123456, 1768473000123456, 1768469460123456);
INSERT INTO sessions (id_hash, sid, user_id, auth_time, amr, acr, provider, data, user_agent, ip, created_at, last_seen_at, expires_at) VALUES ('6LwWPILu4YczKIx9SsY22zpt6wE-8tN7aDIr4g7cRcw', 'sid1', 'uada', 1768469400123456, '["pwd"]', 'urn:idbroker:acr:1fa', '', '\x0001ff275c', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0', '192.0.2.7', 1768469400123456, 1768473000123456, 10413792000000000);
INSERT INTO sessions (id_hash, sid, user_id, auth_time, amr, acr, provider, data, user_agent, ip, created_at, last_seen_at, expires_at) VALUES ('rTKIRqoYsyozWBY3RRHKwQY8cEuMV5meUdqfkIKQp6Q', 'sid2', '', 0, '', '', '', '\x', '', '', 1768469400123456, 1768469400123456, 10413792000000000);
INSERT INTO clients (id, name, secrets, auth_method, redirect_uris, post_logout_redirect_uris, grant_types, scopes, id_token_alg, first_party, require_pkce, client_uri, policy_uri, terms_uri, contacts, created_at, updated_at, disabled_at, version) VALUES ('spa', 'Notebook', '', 'none', '["http://127.0.0.1/callback"]', '', '["authorization_code"]', '["openid"]', '', false, true, '', '', '', '', 1767605400123456, 1767605400123456, 1768383000123456, 1);
INSERT INTO clients (id, name, secrets, auth_method, redirect_uris, post_logout_redirect_uris, grant_types, scopes, id_token_alg, first_party, require_pkce, client_uri, policy_uri, terms_uri, contacts, created_at, updated_at, disabled_at, version) VALUES ('wiki', 'Wiki «Lab»', '[{"hash":"y6BrVzb69n5UsHtWHq6UOV53TFF6fZEKVDaeEmPM-9Q","created_at":"2025-12-16T09:30:00.123456Z","expires_at":"2026-01-16T09:30:00.123456Z"},{"hash":"EVB6Di9eadXfpApiob17buV-a82FxnybhDGzb_8hxDc","created_at":"2026-01-14T09:30:00.123456Z"}]', 'client_secret_basic', '["https://wiki.example/cb","https://wiki.example/cb2?x=1"]', '["https://wiki.example/"]', '["authorization_code","refresh_token"]', '["openid","profile","email","offline_access"]', 'ES256', true, false, 'https://wiki.example', 'https://wiki.example/privacy', 'https://wiki.example/terms', '["ops@example.org"]', 1765877400123456, 1768383000123456, 0, 3);
INSERT INTO consents (user_id, client_id, scopes, created_at, updated_at) VALUES ('uada', 'spa', '["openid"]', 1767691800123456, 1767691800123456);
INSERT INTO consents (user_id, client_id, scopes, created_at, updated_at) VALUES ('uada', 'wiki', '["openid","email"]', 1765963800123456, 1768296600123456);
INSERT INTO grants (id, client_id, user_id, sid, scopes, audience, offline, code_hash, code_expires_at, code_used_at, redirect_uri, code_challenge, nonce, auth_time, amr, acr, provider, refresh_generation, refresh_rotated_at, refresh_expires_at, expires_at, revoked_at, revoked_reason, created_at, last_used_at) VALUES ('glive', 'wiki', 'uada', 'sid1', '["openid","offline_access"]', '["https://api.example"]', true, 's19FleZLSSuuY05Trmzttz76FXCeZvTm7qruf8lBhJc', 1768296660123456, 1768296600123456, 'https://wiki.example/cb', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'n-0S6_WzA2Mj', 1768296600123456, '["pwd"]', 'urn:idbroker:acr:1fa', 'github', 3, 1768383000123456, 10413792000000000, 10413792000000000, 0, '', 1768296600123456, 1768383000123456);
INSERT INTO grants (id, client_id, user_id, sid, scopes, audience, offline, code_hash, code_expires_at, code_used_at, redirect_uri, code_challenge, nonce, auth_time, amr, acr, provider, refresh_generation, refresh_rotated_at, refresh_expires_at, expires_at, revoked_at, revoked_reason, created_at, last_used_at) VALUES ('gcode', 'wiki', 'ubea', '', '["openid"]', '', false, '688Dj7Yi-n8RZ2XJGtt59M1JwDxdChfMXsqAkNkPcMg', 10413792000000000, 0, '', '', '', 0, '', '', '', 0, 0, 0, 0, 0, '', 1768469400123456, 0);
INSERT INTO grants (id, client_id, user_id, sid, scopes, audience, offline, code_hash, code_expires_at, code_used_at, redirect_uri, code_challenge, nonce, auth_time, amr, acr, provider, refresh_generation, refresh_rotated_at, refresh_expires_at, expires_at, revoked_at, revoked_reason, created_at, last_used_at) VALUES ('gmachine', 'wiki', '', '', '["jobs"]', '', false, '', 0, 0, '', '', '', 0, '', '', '', 0, 0, 0, 1768473000123456, 0, '', 1768469400123456, 0);
INSERT INTO grants (id, client_id, user_id, sid, scopes, audience, offline, code_hash, code_expires_at, code_used_at, redirect_uri, code_challenge, nonce, auth_time, amr, acr, provider, refresh_generation, refresh_rotated_at, refresh_expires_at, expires_at, revoked_at, revoked_reason, created_at, last_used_at) VALUES ('grevoked', 'spa', 'uada', '', '', '', false, 'MfxhLO6_Y51f6KOQOmxW9AsmARGACuazr2lRvnxIuZE', 1767691800123456, 1767691800123456, '', '', '', 0, '', '', '', 2, 0, 0, 0, 1767778200123456, 'refresh reuse', 1767691800123456, 1767778200123456);
INSERT INTO signing_keys (id, alg, private, created_at, signs_from, retires_at, expires_at) VALUES ('kold', 'ES256', '\x0102594052226eb4948d970361cec1fd354bb76c05b604571e27627bb1e0fa74ad28426321b38c04712fd028d81722090f36423e3b4dfe78bec4ce09f8d19b09307a7d6c0e89df377d2aa00dfffd2ad7bc17de7bdc50cc4111ffb6f11da672eee46cb52009bde0baa90f4de463a8039376ab966a1b194e3e253bcd1ba035d15d7f05cf3d130660426a0cc229248e6130cb50f2bad72fa8612105f5c52a6b0dde6da30ab487c1cb7a7b3b532a14fa4ffa08e46a389e385fad2a8b8d385147ab8a4c9ee3a80b8f7aa20270caaabb28778e66296988777d0da9842967033672c8595436a330f77868e1c231023babbb6a97617a619630a15d321958a3caa0a3cb3c6068944b7aa77131d7c95cb955eb26f1d26b', 1760693400123456, 1760693400123456, 1768383000123456, 1768555800123456);
INSERT INTO signing_keys (id, alg, private, created_at, signs_from, retires_at, expires_at) VALUES ('knew', 'ES256', '\x010259405210f18fcf7946c67baf7e9660825c8c0861b8b40888be7370ad1e793396409ef580f9ed3d8d8e65bc7864f26f2ee1c72f2cf95040da33a1471dbd73d42ebb9e147e60da6585fb19a4ab7a4ac994e3c54e4c28a97ac197e1b05ceea23947e7cd030c853b838906b23a03bc4b53483944c019de5958bd11c12231f6fab90fcd36e35e51abd3d50c4df640d66fed65c29a6727d3378ca7c2fe40aa88c1222460db2555862044a5c4c3ea17db2ccbb328c95d4ce035f89c05fc2c6687d25d0932204f32bccd8777e7cb567372d3602be07a7b86a09415cb2548bd9a171a45ef935934c21fdf781ffb1708937bd0b0349779c44bac35abf4978738f0166160fe5b3e0efed9a6ded08538a4b958e106a6', 1768383000123456, 1768383000123456, 0, 0);
INSERT INTO mail_tokens (hash, purpose, email, user_id, login_id, version, created_at, expires_at, used_at) VALUES ('yg3yyVqhRMHQ_y_zyPln_cHenvDEEgs3JkFnAbUZ1hk', 'sign-up', 'new@example.org', '', 'lopen', 0, 1768469400123456, 10413792000000000, 0);
INSERT INTO mail_tokens (hash, purpose, email, user_id, login_id, version, created_at, expires_at, used_at) VALUES ('KcGyiedSIZWzYuRPVOBUcLaa0gVAq2ChigXlv2lR8T0', 'reset', 'ada@example.org', 'uada', '', 4, 1768469400123456, 1768471200123456, 1768469460123456);
INSERT INTO outbox (id, kind, payload, created_at, next_at, attempts, last_error, claimed_until, done_at, failed_at) VALUES ('oopen', 'mail', '\x01025940521987fb5f32e5094af885029472656e910da7f2aa4de449b087df6c8b80e6a0ad4795913136161c3dbc80f2c259942c4864dc9e90e08fb7dbbf1f9159de9287a39d2aae3277b27f97cdb35a6b13cc8e30db5894e6717b584916766ad802145e6feb9ccb8108713b10e03a8395', 1768469400123456, 1768469400123456, 2, '421 try later', 0, 0, 0);
INSERT INTO outbox (id, kind, payload, created_at, next_at, attempts, last_error, claimed_until, done_at, failed_at) VALUES ('ofailed', 'mail', '\x01025940520490b96acb1495cc6ae268a67449989fd325f8d2734a09fdb7857e2ecaf5d6c93f19f971d23fd99ea441026addc7d97dcd3b1ec177', 1768210200123456, 1768383000123456, 22, '550 no such user', 0, 0, 1768383000123456);
INSERT INTO events (id, happened_at, name, user_id, client_id, provider, sid, request_id, ip, detail) VALUES ('e2', 1768469400123456, 'session.started', 'uada', 'wiki', 'github', 'sid1', 'r1', '192.0.2.7', '{"amr":"pwd"}');
INSERT INTO events (id, happened_at, name, user_id, client_id, provider, sid, request_id, ip, detail) VALUES ('e1', 1765013400123456, 'user.created', 'uada', '', '', '', '', '', '');
