-- Who comes back from a provider without a word of which journey it was is given
-- the way back to the one that their browser has under way there.

CREATE INDEX attempts_browser ON attempts (browser_hash, created_at);
