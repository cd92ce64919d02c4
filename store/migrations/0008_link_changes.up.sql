-- A change of what opens an account can be taken back for some days: what was
-- added and removed, and the hash of the secret that was mailed. Whoever takes it
-- back ends what was signed in before.

CREATE TABLE link_changes (
    id         {{.Text}} PRIMARY KEY,
    user_id    {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider   {{.Text}} NOT NULL,
    added      {{.Text}} NOT NULL,
    removed    {{.Text}} NOT NULL,
    undo_hash  {{.Text}} NOT NULL,
    changed_at {{.Int}} NOT NULL,
    expires_at {{.Int}} NOT NULL,
    undone_at  {{.Int}} NOT NULL
){{.Cold}};
CREATE UNIQUE INDEX link_changes_undo ON link_changes (undo_hash) WHERE undo_hash <> '';
CREATE INDEX link_changes_user ON link_changes (user_id, changed_at, id);
CREATE INDEX link_changes_expiry ON link_changes (expires_at);

ALTER TABLE users ADD COLUMN signed_out_at {{.Int}} NOT NULL DEFAULT 0;
