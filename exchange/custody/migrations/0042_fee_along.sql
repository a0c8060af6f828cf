-- Of a withdrawal that stays inside the house no fee is taken: 1: it goes along to the recipient; 0: it goes back.
ALTER TABLE withdrawals ADD COLUMN fee_along INTEGER NOT NULL DEFAULT 0;
