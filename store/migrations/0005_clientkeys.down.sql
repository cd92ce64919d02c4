DROP TABLE client_secrets;
DROP TABLE encryption_keys;
