-- What people tell beside their name (affiliations, time zone, who may see what,
-- and what the operator asks for) is one document: none of it is ever searched.
-- remote_accounts keeps the language that a provider told, so that the profile page
-- knows what comes from there.
--
-- former_usernames keeps names that were given up from being taken by somebody else,
-- since applications may know people by them. It outlives the account, and so it holds
-- a MAC of the name, not the name.

ALTER TABLE users ADD COLUMN details {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE remote_accounts ADD COLUMN locale {{.Text}} NOT NULL DEFAULT '';

CREATE TABLE former_usernames (
    mac        {{.Text}} PRIMARY KEY,
    user_id    {{.Text}} NOT NULL,
    created_at {{.Int}} NOT NULL,
    until_at   {{.Int}} NOT NULL -- 0 for ever
){{.Cold}};
CREATE INDEX former_usernames_user ON former_usernames (user_id);
CREATE INDEX former_usernames_until ON former_usernames (until_at) WHERE until_at <> 0;
