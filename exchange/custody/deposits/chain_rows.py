"""The rows of custody.db that say how far a chain was read, what its last blocks were, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import apsw
import msgspec

from exchange.core.units import Micros
from exchange.custody.port import Header

_PROGRESS: Final = "SELECT name, identity, first, height, hash, stopped FROM chains"
_CONDITION: Final = "chain = ?1 AND kind = ?2 AND about = ?3 AND closed = 0"


class Progress(msgspec.Struct, frozen=True):
    """How far a chain was read: `height` and `hash` of the newest block. `stopped` says why it is read no further."""

    name: str
    identity: str
    first: int
    height: int
    hash: str
    stopped: str


class Alarm(msgspec.Struct, frozen=True):
    """What an operator must look at."""

    number: int
    chain: str
    kind: str
    text: str
    raised: Micros
    closed: Micros


class Moved(Exception):
    """Somebody else has read on meanwhile: a bug, since each chain has one reader."""


def progress(db: apsw.Connection, chain: str) -> Progress | None:
    """How far it was read; None: it was never begun."""
    row = db.execute(f"{_PROGRESS} WHERE name = ?", (chain,)).fetchone()
    return None if row is None else Progress(*row)


def begin(db: apsw.Connection, chain: str, identity: str, last: Sequence[Header]) -> None:
    """Read a chain for the first time: all after the newest of `last`; to each of these a reorg may lead back."""
    newest = last[-1]
    statement = "INSERT INTO chains (name, identity, first, height, hash) VALUES (?, ?, ?, ?, ?)"
    db.execute(statement, (chain, identity, newest.height + 1, newest.height, newest.hash))
    for header in last:
        _insert(db, chain, header)


def _insert(db: apsw.Connection, chain: str, header: Header) -> None:
    values = (chain, header.height, header.hash, header.parent, header.time)
    db.execute("INSERT INTO blocks (chain, height, hash, parent, time) VALUES (?, ?, ?, ?, ?)", values)


def advance(db: apsw.Connection, chain: str, header: Header, keep: int) -> None:
    """One block on, whose parent must be the newest one; blocks more than `keep` below are forgotten."""
    db.execute(
        "UPDATE chains SET height = ?, hash = ? WHERE name = ? AND height = ? AND hash = ?",
        (header.height, header.hash, chain, header.height - 1, header.parent),
    )
    if db.changes() != 1:
        raise Moved(chain, header)
    _insert(db, chain, header)
    db.execute("DELETE FROM blocks WHERE chain = ? AND height < ?", (chain, header.height - keep))


def retreat(db: apsw.Connection, chain: str, height: int) -> None:
    """Back to the block at `height`, which is among those that are kept."""
    db.execute("DELETE FROM blocks WHERE chain = ? AND height > ?", (chain, height))
    db.execute(
        "UPDATE chains SET (height, hash) = (SELECT height, hash FROM blocks WHERE chain = ?1 AND height = ?2)"
        " WHERE name = ?1",
        (chain, height),
    )


def hash_at(db: apsw.Connection, chain: str, height: int) -> str | None:
    """The block that was read at a height; None: it is not kept, or was not read."""
    row = db.execute("SELECT hash FROM blocks WHERE chain = ? AND height = ?", (chain, height)).fetchone()
    return None if row is None else str(row[0])


def stop(db: apsw.Connection, chain: str, why: str) -> None:
    """Read it no further; "" to go on."""
    db.execute("UPDATE chains SET stopped = ? WHERE name = ?", (why, chain))


def raise_alarm(db: apsw.Connection, chain: str, kind: str, text: str, now: Micros) -> bool:
    """Note an alarm; False: the same one is open already."""
    open_already = "SELECT 1 FROM alarms WHERE chain = ? AND kind = ? AND text = ? AND closed = 0"
    if db.execute(open_already, (chain, kind, text)).fetchone():
        return False
    db.execute("INSERT INTO alarms (chain, kind, text, raised) VALUES (?, ?, ?, ?)", (chain, kind, text, now))
    return True


def condition(db: apsw.Connection, chain: str, kind: str, about: str) -> str:
    """The newest words of the alarm about a condition that lasts; "" when it does not."""
    row = db.execute(f"SELECT text FROM alarms WHERE {_CONDITION}", (chain, kind, about)).fetchone()
    return "" if row is None else str(row[0])


def set_condition(db: apsw.Connection, chain: str, kind: str, about: str, text: str, now: Micros) -> None:
    """What lasts and changes has one alarm, with the newest words; "" ends it."""
    if not text:
        db.execute(f"UPDATE alarms SET closed = ?4 WHERE {_CONDITION}", (chain, kind, about, now))
    elif condition(db, chain, kind, about):
        db.execute(f"UPDATE alarms SET text = ?4 WHERE {_CONDITION}", (chain, kind, about, text))
    else:
        values = (chain, kind, about, text, now)
        db.execute("INSERT INTO alarms (chain, kind, about, text, raised) VALUES (?, ?, ?, ?, ?)", values)


def close_alarms(db: apsw.Connection, chain: str, kind: str, now: Micros) -> None:
    """Those of a kind are over; "" for all but that the chain is stopped, which is over when it goes on."""
    which = "kind = ?" if kind else "kind <> 'stopped' AND kind <> ?"
    db.execute(f"UPDATE alarms SET closed = ? WHERE chain = ? AND closed = 0 AND {which}", (now, chain, kind))


def alarms(db: apsw.Connection, chain: str, limit: int = 100) -> Iterator[Alarm]:
    """Open alarms, the newest first."""
    select = "SELECT number, chain, kind, text, raised, closed FROM alarms WHERE chain = ? AND closed = 0"
    for row in db.execute(f"{select} ORDER BY number DESC LIMIT ?", (chain, limit)):
        yield Alarm(*row)
