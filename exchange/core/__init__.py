"""The rule book: pure integers in, events out. No await, SQL, clock, chance, float or logging."""
