"""Backups: encrypted copies of a data folder and of its journal, and the proof that they can be restored."""
