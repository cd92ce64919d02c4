-- What somebody has removed that stood for their account beside the first thing: since
-- when, until when, and of a passkey what it takes to give it back. So whoever takes a
-- change back by mail gets what stood before, and no mail gets past a factor that did.
-- Of a factor nothing is kept that could be shown. What was removed before this table
-- counts as if it had stood for long; the times of its removal are in the trail.

CREATE TABLE retired (
    id         {{.Text}} PRIMARY KEY,
    user_id    {{.Text}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind       {{.Text}} NOT NULL,
    since      {{.Int}} NOT NULL,
    removed_at {{.Int}} NOT NULL,
    passkey    {{.Text}} NOT NULL,
    expires_at {{.Int}} NOT NULL
){{.Cold}};
CREATE INDEX retired_user ON retired (user_id, removed_at, id);
CREATE INDEX retired_expires ON retired (expires_at);

INSERT INTO retired (id, user_id, kind, since, removed_at, passkey, expires_at)
SELECT e.id, e.user_id, CASE e.name WHEN 'passkey.removed' THEN 'passkey' WHEN 'factor.number_removed' THEN 'sms' ELSE 'totp' END,
       0, e.happened_at, '', e.happened_at + 15552000000000 -- 180 days, in microseconds: twice the longest linking.undo_within
FROM events e JOIN users u ON u.id = e.user_id
WHERE e.name IN ('factor.removed', 'factor.number_removed', 'passkey.removed');
