-- A number that another one has replaced is kept until that cannot be taken back any more.

ALTER TABLE factors ADD COLUMN until_at {{.Int}} NOT NULL DEFAULT 0;

CREATE INDEX factors_until ON factors (until_at) WHERE until_at <> 0;
