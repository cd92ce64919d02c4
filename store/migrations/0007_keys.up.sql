-- Signing keys follow one another. The index decides which of two replicas that
-- rotate at the same moment made the next one. Keys without a number are those
-- that a program of before made meanwhile: they are ordered by their times.

ALTER TABLE signing_keys ADD COLUMN generation {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN revoked_at {{.Int}} NOT NULL DEFAULT 0;
UPDATE signing_keys SET generation = (SELECT count(*) FROM signing_keys AS k
    WHERE k.alg = signing_keys.alg AND (k.created_at < signing_keys.created_at OR k.created_at = signing_keys.created_at AND k.id <= signing_keys.id));
CREATE UNIQUE INDEX signing_keys_generation ON signing_keys (alg, generation) WHERE generation > 0;
