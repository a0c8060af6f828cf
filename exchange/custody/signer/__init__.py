"""The process that has the keys, and can say no."""
