"""What goes wrong with backups, in words for an operator."""

from __future__ import annotations


class BackupFault(Exception):
    """A backup was not made, not read or not restored. The message says why, what was not changed, and what to do."""
