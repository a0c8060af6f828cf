"""A blockchain in memory: for tests, and for a demo without nodes."""
