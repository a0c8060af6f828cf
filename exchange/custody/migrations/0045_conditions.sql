-- Whose condition an alarm is about, where it tells of one that lasts and changes (a gas tank, a hot wallet's level): while
-- it lasts there is one alarm with the newest words, and it closes when the condition is over.
ALTER TABLE alarms ADD COLUMN about TEXT NOT NULL DEFAULT '';
