-- What somebody must have beside the first thing that proves who they are, and
-- the codes for when it is lost. The time step of the last code that counted
-- stands beside the secret: one statement spends it. users knows since when there
-- is a factor, so that no sign-in has to look here.

CREATE TABLE factors (
    id           {{.Text}} PRIMARY KEY,
    user_id      {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         {{.Text}} NOT NULL,
    secret       {{.Bytes}} NOT NULL, -- sealed
    last_step    {{.Int}} NOT NULL,
    created_at   {{.Int}} NOT NULL,
    confirmed_at {{.Int}} NOT NULL,
    last_used_at {{.Int}} NOT NULL
){{.Cold}};
CREATE UNIQUE INDEX factors_user ON factors (user_id, kind);

CREATE TABLE recovery_codes (
    user_id    {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mac        {{.Text}} NOT NULL,
    created_at {{.Int}} NOT NULL,
    used_at    {{.Int}} NOT NULL,
    PRIMARY KEY (user_id, mac)
){{.Cold}};

ALTER TABLE users ADD COLUMN second_factor_at {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN owes_factor {{.Bool}} NOT NULL DEFAULT FALSE;
