ALTER TABLE users DROP COLUMN signed_out_at;
DROP TABLE link_changes;
