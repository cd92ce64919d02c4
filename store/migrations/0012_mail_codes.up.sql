-- Codes that were mailed to be typed. The unique index counts those to an address
-- within an hour: of two requests at once one is refused, whichever replica they
-- reach, and nobody gets more guesses than the rule allows.

CREATE TABLE mail_codes (
    id           {{.Text}} PRIMARY KEY,
    purpose      {{.Text}} NOT NULL,
    login_id     {{.Text}} NOT NULL,
    browser_hash {{.Text}} NOT NULL,
    email        {{.Text}} NOT NULL,
    user_id      {{.Text}} NOT NULL,
    version      {{.Int}} NOT NULL,
    mac          {{.Text}} NOT NULL,
    tries        {{.Int}} NOT NULL,
    hour         {{.Int}} NOT NULL,
    nth          {{.Int}} NOT NULL,
    created_at   {{.Int}} NOT NULL,
    expires_at   {{.Int}} NOT NULL,
    used_at      {{.Int}} NOT NULL
){{.Cold}};
CREATE UNIQUE INDEX mail_codes_address ON mail_codes (email, hour, nth);
CREATE INDEX mail_codes_login ON mail_codes (login_id, created_at, id);
CREATE INDEX mail_codes_browser ON mail_codes (browser_hash, hour);
CREATE INDEX mail_codes_expiry ON mail_codes (expires_at);
