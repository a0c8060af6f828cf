"""The rule book: pure decisions on whole numbers, without clock, chance, SQL or I/O."""
