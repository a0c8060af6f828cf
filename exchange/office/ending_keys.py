"""How many API keys end soon because nobody uses them; read beside whoever has office.db open."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import apsw

from exchange.core.units import Micros
from exchange.ledger.db import readable
from exchange.office.db import OfficeDamaged
from exchange.office.uses import Use


def ending(path: Path, now: Micros, until: Micros) -> int:
    """Of the living keys, those that run out between `now` and `until` unless they are used. Raises `OfficeDamaged`."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with readable(path, OfficeDamaged), closing(apsw.Connection(f"file:{quote(str(path))}?mode=ro", flags=flags)) as db:
        rows = db.execute("SELECT counted_from, last_used FROM api_keys WHERE revoked = 0 AND counted_from > 0")
        return sum(now < Use(Micros(since), Micros(last)).runs_out <= until for since, last in rows)
