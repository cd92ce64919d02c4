-- Applications that register themselves are counted by day and address, and the
-- last refusals of an application are kept for whoever mends it: one row a kind.

CREATE INDEX initial_access_tokens_expiry ON initial_access_tokens (expires_at) WHERE expires_at <> 0;
CREATE INDEX events_registered ON events (happened_at) WHERE name = 'client.registered';

CREATE TABLE client_troubles (
    client_id {{.Text}} NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    endpoint  {{.Text}} NOT NULL,
    code      {{.Text}} NOT NULL,
    reason    {{.Text}} NOT NULL,
    times     {{.Int}} NOT NULL,
    last_at   {{.Int}} NOT NULL,
    PRIMARY KEY (client_id, endpoint, code, reason)
){{.Cold}};
CREATE INDEX client_troubles_age ON client_troubles (last_at);
