DROP TABLE initial_access_tokens;
DROP TABLE spent_assertions;
DROP TABLE pushed_requests;
ALTER TABLE grants DROP COLUMN claims;
ALTER TABLE clients DROP COLUMN metadata;
