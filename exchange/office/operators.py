"""Operators: who may attach to the admin socket, in which role, and the proof by a one-time code that it is they."""

from __future__ import annotations

import re
from enum import Enum, StrEnum
from typing import Final

import apsw
import msgspec

from exchange.clock import Clock
from exchange.core.units import Micros
from exchange.office.totp import SECRET_BYTES, matching_step, provisioning_uri, wait_after
from exchange.office.vault import Vault

_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,31}", re.ASCII).fullmatch
_MAX_UID: Final = (1 << 32) - 2


class Role(StrEnum):
    """OPERATIONS runs the exchange; TREASURY approves what leaves it; AUDITOR sees everything and changes nothing."""

    OPERATIONS = "operations"
    AUDITOR = "auditor"
    TREASURY = "treasury"


class Verdict(Enum):
    """What a code proved. WAIT: it was not even looked at."""

    RIGHT = "right"
    WRONG = "wrong"
    WAIT = "wait"


class OperatorRefused(Exception):
    """The operator was not added or not removed, and nothing was changed. The message says why."""


class Operator(msgspec.Struct, frozen=True):
    """An operator, without the secret. `removed` is 0 while he may attach; `wait_until` is 0 or when to try again."""

    name: str
    uid: int
    role: Role
    created: Micros
    removed: Micros = Micros(0)
    wait_until: Micros = Micros(0)


class NewOperator(msgspec.Struct, frozen=True):
    """An operator just added. `uri` goes into an authenticator app and is shown this once."""

    operator: Operator
    uri: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"NewOperator({self.operator!r})"


class Operators:
    """The table of operators. Reads it anew each time: operators are few and attach rarely."""

    __slots__ = ("_clock", "_db", "_vault")

    def __init__(self, db: apsw.Connection, vault: Vault, clock: Clock) -> None:
        """`db` is an open office."""
        self._db = db
        self._vault = vault
        self._clock = clock

    def add(self, name: str, uid: int, role: Role) -> NewOperator:
        """Add an operator with a new TOTP secret. Raises `OperatorRefused`."""
        if not _NAME(name):
            raise OperatorRefused("a name is a letter, then up to 31 of a-z, 0-9, '.', '_' or '-'. Nobody was added.")
        if not 0 <= uid <= _MAX_UID:
            raise OperatorRefused(f"{uid} is not a user id (see `id -u`). Nobody was added.")
        if self._db.execute("SELECT 1 FROM operators WHERE name = ?", (name,)).fetchone():
            raise OperatorRefused(f"{name} is or was an operator, and names are not used twice. Nobody was added.")
        if (other := self.by_uid(uid)) is not None:
            raise OperatorRefused(
                f"user id {uid} is {other.name}'s; each operator has one of his own. Nobody was added."
            )
        secret = self._clock.token_bytes(SECRET_BYTES)
        new = NewOperator(Operator(name, uid, role, self._clock.now()), provisioning_uri(secret, name))
        self._db.execute(
            "INSERT INTO operators (name, uid, role, totp, created) VALUES (?, ?, ?, ?, ?)",
            (name, uid, role.value, self._vault.seal(_record(name), secret), new.operator.created),
        )
        return new

    def remove(self, name: str) -> Operator:
        """Let an operator attach no more and erase his secret. Raises `OperatorRefused`."""
        operator = self._one("name = ? AND removed = 0", name)
        if operator is None:
            raise OperatorRefused(
                f"no operator is called {name}. Nothing was changed; `exchange operator list` shows all."
            )
        now = self._clock.now()
        self._db.execute("UPDATE operators SET removed = ?, totp = NULL WHERE name = ?", (now, name))
        return msgspec.structs.replace(operator, removed=now)

    def list(self) -> list[Operator]:
        """All operators, removed ones too, by name."""
        return [_operator(row) for row in self._db.execute(f"{_SELECT} ORDER BY name")]

    def by_uid(self, uid: int) -> Operator | None:
        """The operator who may attach as this user of the machine."""
        return self._one("uid = ? AND removed = 0", uid)

    def verify(self, name: str, code: str) -> Verdict:
        """Whether `code` is the operator's, now and for the first time.

        The step of a right code, or the count of a wrong one, is on disk before this returns, so no code works twice
        and no crash grants a free try. After three wrong codes in a row he must wait before the next is looked at.
        """
        verdict = Verdict.WRONG
        with self._db:  # one transaction: no two attempts see the same last step
            row = self._db.execute(
                "SELECT totp, last_step, wrong, wait_until FROM operators WHERE name = ? AND removed = 0", (name,)
            ).fetchone()
            if row is not None:
                verdict = self._attempt(name, code, *row)
        return verdict

    def _attempt(self, name: str, code: str, sealed: bytes, last_step: int, wrong: int, wait_until: int) -> Verdict:
        now = self._clock.now()
        if now < wait_until:
            return Verdict.WAIT
        step = matching_step(self._vault.open(_record(name), sealed), code, now, last_step)
        if step is None:
            wait_until, wrong, verdict = now + wait_after(wrong + 1), wrong + 1, Verdict.WRONG
        else:
            last_step, wait_until, wrong, verdict = step, 0, 0, Verdict.RIGHT
        self._db.execute(
            "UPDATE operators SET last_step = ?, wrong = ?, wait_until = ? WHERE name = ?",
            (last_step, wrong, wait_until, name),
        )
        return verdict

    def _one(self, where: str, value: str | int) -> Operator | None:
        row = self._db.execute(f"{_SELECT} WHERE {where}", (value,)).fetchone()
        return None if row is None else _operator(row)


_Row = tuple[str, int, str, int, int, int]
_SELECT: Final = "SELECT name, uid, role, created, removed, wait_until FROM operators"


def _operator(row: _Row) -> Operator:
    name, uid, role, created, removed, wait_until = row
    return Operator(name, uid, Role(role), Micros(created), Micros(removed), Micros(wait_until))


def _record(name: str) -> str:
    return f"operators:{name}"
