-- How much somebody may still do: the moment at which a bucket will be full
-- again, what a token costs, and how far ahead that moment may be. All three are
-- microseconds. A full bucket needs no row.

CREATE TABLE buckets (
    key     {{.Text}} PRIMARY KEY,
    full_at {{.Int}} NOT NULL,
    every   {{.Int}} NOT NULL,
    latest  {{.Int}} NOT NULL
){{.Hot}};
CREATE INDEX buckets_full ON buckets (full_at);
