-- What an operator has let a payment cost more than a plain one, in the smallest unit of the chain's own coin.
ALTER TABLE withdrawals ADD COLUMN bears TEXT NOT NULL DEFAULT '0';
