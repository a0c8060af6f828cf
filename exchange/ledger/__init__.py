"""The only SQL on money: a batch becomes durable here, and is read back from here."""
