-- From where a key may be used, and when it was: what is not used expires.

-- Networks with a space between them, as office/addresses.py writes them; '': any address.
ALTER TABLE api_keys ADD COLUMN addresses TEXT NOT NULL DEFAULT '';

-- From when days without use count: when the key was made. 0: it is older than this column, and they count from when
-- the next process opens the file, for nobody noted its uses before.
ALTER TABLE api_keys ADD COLUMN counted_from INTEGER NOT NULL DEFAULT 0;

-- The day (UTC) of the last use that was noted, as the time at which it began; 0: none.
ALTER TABLE api_keys ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0;
