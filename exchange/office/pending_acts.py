"""Acts that wait for a second operator: what was asked, by whom, and what became of it."""

from __future__ import annotations

import hashlib
from typing import Final

import apsw
import msgspec

from exchange.clock import Clock
from exchange.core.units import MILLION, Micros

LIVES: Final = Micros(86_400 * MILLION)
"""So long an act waits for its second operator."""
MOST_WAITING: Final = 100


class TooManyActs(Exception):
    """So many acts wait that another is not kept. Nothing was changed."""


class PendingAct(msgspec.Struct, frozen=True):
    """`params` is the question as JSON. `state`: waiting, begun (it may or may not have been done), done and so on."""

    number: int
    method: str
    params: str
    operator: str
    uid: int
    asked: Micros
    state: str
    second: str
    settled: Micros
    outcome: str

    @property
    def expires(self) -> Micros:
        """From then on nobody can confirm it."""
        return Micros(self.asked + LIVES)

    @property
    def digest(self) -> str:
        """What a second operator confirms: this act and no other, word for word."""
        content = [self.number, self.method, self.params, self.operator, self.uid, self.asked]
        return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


class PendingActs:
    """The table. Every change is on disk when it returns, and names the state it starts from."""

    __slots__ = ("_clock", "_db")

    def __init__(self, db: apsw.Connection, clock: Clock) -> None:
        """`db` is an open office."""
        self._db = db
        self._clock = clock

    def keep(self, method: str, params: str, operator: str, uid: int) -> PendingAct:
        """Keep what was asked; the same by the same operator, while it waits, is kept once. Raises `TooManyActs`."""
        waiting = self.waiting()
        for one in waiting:
            if (one.method, one.params, one.operator, one.uid) == (method, params, operator, uid):
                return one
        if len(waiting) >= MOST_WAITING:
            raise TooManyActs(f"{MOST_WAITING} acts wait already: confirm or withdraw some. Nothing was changed.")
        row = self._db.execute(
            "INSERT INTO pending_acts (method, params, operator, uid, asked) VALUES (?, ?, ?, ?, ?) RETURNING number",
            (method, params, operator, uid, self._clock.now()),
        ).fetchone()
        assert row is not None, "it was just written"
        made = self.find(int(row[0]))
        assert made is not None, "the same"
        return made

    def waiting(self) -> list[PendingAct]:
        """Those that can be confirmed now, the oldest first."""
        rows = self._db.execute(
            f"{_SELECT} WHERE state = 'waiting' AND asked > ? ORDER BY number", (self._clock.now() - LIVES,)
        )
        return [PendingAct(*row) for row in rows]

    def find(self, number: int) -> PendingAct | None:
        """The act of that number, ended or not."""
        row = self._db.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone()
        return None if row is None else PendingAct(*row)

    def begin(self, number: int, second: str) -> bool:
        """It is about to be done. False: it does not wait any more, or not in time."""
        now = self._clock.now()
        self._db.execute(
            "UPDATE pending_acts SET state = 'begun', second = ?, settled = ?"
            " WHERE number = ? AND state = 'waiting' AND asked > ?",
            (second, now, number, now - LIVES),
        )
        return self._db.changes() > 0

    def settle(self, number: int, state: str, outcome: str = "") -> None:
        """What became of an act that was begun."""
        self._db.execute(
            "UPDATE pending_acts SET state = ?, outcome = ?, settled = ? WHERE number = ? AND state = 'begun'",
            (state, outcome, self._clock.now(), number),
        )

    def withdraw(self, number: int, by: str) -> bool:
        """Nobody can confirm it any more. False: it does not wait."""
        self._db.execute(
            "UPDATE pending_acts SET state = 'withdrawn', second = ?, settled = ?"
            " WHERE number = ? AND state = 'waiting'",
            (by, self._clock.now(), number),
        )
        return self._db.changes() > 0


_SELECT: Final = (
    "SELECT number, method, params, operator, uid, asked, state, second, settled, outcome FROM pending_acts"
)
