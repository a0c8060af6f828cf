"""`[backup]` of `exchange.toml`: where backups go by themselves, how often, and how long they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The schedule. Each field is documented in `BACKUP_HELP`, and a test fails when one is not."""

    folder: str = ""
    key_file: str = ""
    command: str = ""
    every_hours: int = 24
    segment_minutes: int = 4
    keep_daily: int = 7
    keep_weekly: int = 5
    archive: str = ""
    drill_every_days: int = 7


BACKUP_HELP: Final = {
    "folder": "Where backups go, an absolute path, best on another disk; if unset, none are made.",
    "key_file": "The backup key, an absolute path outside data and backups; keep a copy of it elsewhere.",
    "command": "Takes each finished file on standard input, to carry it away; $EXCHANGE_BACKUP_NAME is its name.",
    "every_hours": "How often a full backup is made.",
    "segment_minutes": "How often what is new in the journal is saved: 1 to 5. That much can be lost with the machine.",
    "keep_daily": "Of so many days the last full backup is kept, with the journal since the oldest of them.",
    "keep_weekly": "And of so many weeks.",
    "archive": "Where the journal goes that need not lie beside the backups any more; if unset, it is deleted there.",
    "drill_every_days": "How often a backup is restored to a scratch folder and compared, to prove that it can be.",
}
_RANGES: Final = {
    "segment_minutes": (1, 5),
    "drill_every_days": (1, 7),
    "every_hours": (1, 168),
    "keep_weekly": (0, 520),
}
_USUAL: Final = (1, 3_660)


def faults_of_backup(content: object) -> Iterator[str]:
    """Every fault of the parsed `[backup]`, in words."""
    if not isinstance(content, dict):
        yield "backup must be a table: [backup]"
        return
    kinds = {field.name: field.type for field in msgspec.structs.fields(BackupSettings)}
    sound = True
    for name, value in content.items():
        kind, (least, most) = kinds.get(name), _RANGES.get(name, _USUAL)
        fault = ""
        if kind is None:
            fault = f"unknown key 'backup.{name}' (known: {', '.join(kinds)})"
        elif type(value) is not kind:
            fault = f"backup.{name} must be {getattr(kind, '__name__', kind)}, not {value!r}"
        elif isinstance(value, int) and not least <= value <= most:
            fault = f"backup.{name} must be from {least} to {most}, not {value}"
        if fault:
            sound = False
            yield fault
    if sound:
        yield from _misfits(msgspec.convert(content, BackupSettings))


def _misfits(backup: BackupSettings) -> Iterator[str]:
    """What does not go together."""
    if bool(backup.folder) != bool(backup.key_file):
        yield f"backup.{'key_file' if backup.folder else 'folder'} is missing: both or none"
    for name in ("command", "archive"):
        if getattr(backup, name) and not backup.folder:
            yield f"backup.folder is missing: backup.{name} is for what lies there"
    for name in ("folder", "key_file", "archive"):
        if (path := getattr(backup, name)) and not path.startswith("/"):
            yield f"backup.{name} must be an absolute path, not {path!r}"


def backup_example() -> list[str]:
    """Lines of a commented `[backup]` for the example file."""
    lines = ["## Scheduled backups: see docs/backups.md.", "## [backup]"]
    for field in msgspec.structs.fields(BackupSettings):
        shown = f'"{field.default}"' if isinstance(field.default, str) else field.default
        lines += [f"## {BACKUP_HELP[field.name]}", f"## {field.name} = {shown}"]
    return [*lines, ""]
