DROP TABLE client_troubles;
DROP INDEX events_registered;
DROP INDEX initial_access_tokens_expiry;
