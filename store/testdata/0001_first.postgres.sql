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
CREATE INDEX mail_tokens_user ON mail_tokens (user_id) WHERE user_id <> '';
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
INSERT INTO remote_tokens (account_id, kind, access_token, refresh_token, id_token, token_type, scopes, expires_at, updated_at) VALUES ('aada-github', '', '\x0174768090da9141682e5c5df24cae5a82746ea0bd61eff44ad5415b7908d285885cb901341911391efc0f5f', '\x', '\x', 'bearer', '["read:user","user:email"]', 0, 1768383000123456);
INSERT INTO remote_tokens (account_id, kind, access_token, refresh_token, id_token, token_type, scopes, expires_at, updated_at) VALUES ('aada-orcid', '', '\x0174768090071dd45fe1df8d3a9317a27c5836eb3179e621d492034528fdee81c98b9382e3874572487229ffb0', '\x0174768090117f64fda0c212f5b7917681e7c046d491e1ffdd0fa4eca2c17fcdf07395b4f5ca180e767b9b1b5ee5', '\x0174768090cd7f99959bb8c436a6176d5fa5ed4ee4739442a9ffa4cee9de814609fe484536ebaa2498e06c6779', 'bearer', '["openid"]', 2373269400123456, 1765186200123456);
INSERT INTO remote_tokens (account_id, kind, access_token, refresh_token, id_token, token_type, scopes, expires_at, updated_at) VALUES ('aada-orcid', 'transfer', '\x01747680907e86acd128d6f063cc4b186538281e0b4728b55306112a43dd1c3147c07255fbf2a6890a2ced1f41009b11', '\x', '\x', '', '', 0, 1765186200123456);
INSERT INTO attempts (state_hash, browser_hash, provider, purpose, user_id, login_id, return_to, redirect_uri, client_id, session, created_at, expires_at, used_at) VALUES ('-DkWE1UJH82eM_Vx4LEcYCF6UAn5lz52nBPXhY2xYsw', 'PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0', 'github', 'sign-in', '', 'lopen', '/', 'https://broker.example/oauth/authorized/github/', 'Iv1.0123456789abcdef', '\x01747680909c750e0bdab824b560985275d16bf0c424c1a3ae62649d48bd8b0347a70b8a346089bedea5709fa0f64ed68e', 1768469400123456, 1768469700123456, 1768469460123456);
INSERT INTO attempts (state_hash, browser_hash, provider, purpose, user_id, login_id, return_to, redirect_uri, client_id, session, created_at, expires_at, used_at) VALUES ('I0j5mHRCElddhZWWdPlgerJvZ3CKkXFXRygyOGM3yQQ', 'PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0', 'orcid', 'link', 'uada', '', '', 'https://broker.example/oauth/authorized/orcid/', '', '\x01747680908df49f07fe01ab3e3b0694fdd3e9ac455a09bc9be2d6cf3bc9d47ab6f55df4fd4a46c7a69047d75122', 1768469400123456, 10413792000000000, 0);
INSERT INTO logins (id, browser_hash, client_id, request, return_to, force, user_id, auth_time, amr, acr, provider, remote, sign_up, started_at, expires_at, finished_at) VALUES ('lopen', 'PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0', 'wiki', 'client_id=wiki&scope=openid+email&state=xyz', '', true, '', 0, '', '', '', '\x017476809050d4c148b5175bb5f1198358d9ae72892d2d13c514fda97852c3119bbc1a3e64018846bcc104089369a99cfb21242903f5e8ad90f787bf669556a40544aab7661f9d636eb9e556e7b5975c66a648dfcb206a3231d8464ab29d7ef9eb61d0d5826b35bb168986a6ae5930119b1ce5bf2f2aeaf7ec7713fbfc67357fa29a2791ce7af60b8d9cac8a072ec8d2c071acbfe6c9b25c2a59a9a393aec6194d9304b5c3ee24afc6d45d1a8ee0b0eefd7c4ad47ad716b66b50c57949d7a4fa5bac7244f12b48840aa7e865b9592a51aa2b3d3692c75f15fdb200a0126205ea6e43e5f407f89227c68ea1e6c0866c3465053fb68e9c7476c5d60005183bec336d3d0670126e9a7a41b4995e3169959034ec5ce76354e798f5d81afffee68f3a5b36f59a51aa7eaa49315c9d25ce9d308c801e784ec0ff40e7e0c9e424da7811861f1eacecb685fc2e4f', '\x017476809006c50b0eb24556a30c3c0582cdf3d79ebf4a7f9dcb375ebf582c456a55ffb65d3615cbc5b02198134787386d80e5a27f9b9c5babe704898cc764097d81d6f2efa8cbb61cb642a3f09b249b0c28d61dbec4f87211b9f15f45a2e4725a1853152e53d7e000632463a264665f233b641827d21d06200fe2b69074d911f2432796675bb8c62c64d3cff3a094e3801acd8080f102055dc03ae3e57bb948a9faea6b37f533aba6c02f7677bc6354d8d8a186e3b9c564367781fba98a5c75c03882e29502ac24a06cf2159133e17cfdc854160a71b6fe6f', 1768469400123456, 10413792000000000, 0);
INSERT INTO logins (id, browser_hash, client_id, request, return_to, force, user_id, auth_time, amr, acr, provider, remote, sign_up, started_at, expires_at, finished_at) VALUES ('ldone', 'Ln0sA6lQeuJl7PW1NWiFpTOTogKdJBOUmXJloaJa78Y', '', '', '/account/settings/profile/', false, 'uada', 1768469400123456, '["pwd"]', 'urn:idbroker:acr:1fa', '', '\x', '\x', 1768469400123456, 1768473000123456, 1768469460123456);
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
INSERT INTO signing_keys (id, alg, private, created_at, signs_from, retires_at, expires_at) VALUES ('kold', 'ES256', '\x0174768090829f4aa9013bb7eaedb38b3d318e2068aec831fb290c011d3d436a0570931d4a7cf50d50582e6d1fda1a929ffc2ae661b320e1fe04b3d9a67790cb70bb1a62bd62d76867b32a53094c09f26bd3849d3801d54e47f174fcf08605bff38bfec132a55e435295d5b3b1db835e95508c28abf40cbdf99e839bf82a85e1cdba237868287599cacc9525d28575dece123541da68b40eb5d8bfdf5efe9fe871bb87c95e0c35d36aceda7f59499c597c29808766ae6800b606664e1846f09948fa9170e9b868f936e8a76e6f16272d0c7a2bf4f2bcbe380b838961672a3bd172f430e05afa06accd5afd7b5896763912cbc44b8fe0a9ccc0beec6bfef4cc3347e04d98263c705978a39a387163fc5e6d26', 1760693400123456, 1760693400123456, 1768383000123456, 1768555800123456);
INSERT INTO signing_keys (id, alg, private, created_at, signs_from, retires_at, expires_at) VALUES ('knew', 'ES256', '\x01747680907de66b4d2ca4b7da35c085778954b3d4905ae663263681500376c7d259922edd51ab28a8f3b9c8e0caa3c1a66210e2ab52f8f1a1de2bff785d73ec97bb0e57c0fb37db57435e682680b6ea386cf3f9691a31651b0301f4c5a794146cb076a34494f9f35f8578189cdc2e89806af4dcf99216ae2a9ea109f026109662c6f838626af13ec589ba0ee0582dfa80052a405c3bdadc89a50e287cfc4890134098eedd6eed280e059e23ee9f698e6fa5598258cccc44de8d15c4093a99aea9ac8465c7c6d2a65685cb987bd91bce32025dd16ca2cdfec625ae4ed704b3d756022d5bc331a6b9341b502d0da217f96169703a2490b204678d372897a5c35fcf2896c9290b9e2f521cdf1f15572fc8157b', 1768383000123456, 1768383000123456, 0, 0);
INSERT INTO mail_tokens (hash, purpose, email, user_id, login_id, version, created_at, expires_at, used_at) VALUES ('yg3yyVqhRMHQ_y_zyPln_cHenvDEEgs3JkFnAbUZ1hk', 'sign-up', 'new@example.org', '', 'lopen', 0, 1768469400123456, 10413792000000000, 0);
INSERT INTO mail_tokens (hash, purpose, email, user_id, login_id, version, created_at, expires_at, used_at) VALUES ('KcGyiedSIZWzYuRPVOBUcLaa0gVAq2ChigXlv2lR8T0', 'reset', 'ada@example.org', 'uada', '', 4, 1768469400123456, 1768471200123456, 1768469460123456);
INSERT INTO outbox (id, kind, payload, created_at, next_at, attempts, last_error, claimed_until, done_at, failed_at) VALUES ('oopen', 'mail', '\x01747680904d2db843847b2653524862c02e716c6c9734f50d6a29fdd10e6ebfd808ea2ed6cc6fcd4c22f91163f313a9f234ac33ff867a75e5bcd658f29a0925e82d5aa337a059e800711eafe8340d613589ce849d4f828ff955038c7a7976b6f46ac53619b4cc626357be4d70ba03f364', 1768469400123456, 1768469400123456, 2, '421 try later', 0, 0, 0);
INSERT INTO outbox (id, kind, payload, created_at, next_at, attempts, last_error, claimed_until, done_at, failed_at) VALUES ('ofailed', 'mail', '\x0174768090d1ade2d3cf665a7e6a4bf6a79b8547d54eedcfd0e4c67cbb262d7a2cb79374570327936e6ff186f6a7dfdf48bb659182c1e5b88c62', 1768210200123456, 1768383000123456, 22, '550 no such user', 0, 0, 1768383000123456);
INSERT INTO events (id, happened_at, name, user_id, client_id, provider, sid, request_id, ip, detail) VALUES ('e2', 1768469400123456, 'session.started', 'uada', 'wiki', 'github', 'sid1', 'r1', '192.0.2.7', '{"amr":"pwd"}');
INSERT INTO events (id, happened_at, name, user_id, client_id, provider, sid, request_id, ip, detail) VALUES ('e1', 1765013400123456, 'user.created', 'uada', '', '', '', '', '', '');
