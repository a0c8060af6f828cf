"""Which key approves in whose name: public keys that operators registered themselves. The private halves are theirs."""

from __future__ import annotations

import apsw
import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from exchange.clock import Clock
from exchange.core.units import Micros


class ApproverRefused(Exception):
    """The key was not registered, and nothing was changed. The message says why."""


class Approver(msgspec.Struct, frozen=True):
    """A key and whose it is; `revoked` is 0 while it approves."""

    public_key: bytes
    operator: str
    created: Micros
    revoked: Micros


class Approvers:
    """The table of approvers' keys."""

    __slots__ = ("_clock", "_db")

    def __init__(self, db: apsw.Connection, clock: Clock) -> None:
        """`db` is an open office."""
        self._db = db
        self._clock = clock

    def register(self, operator: str, public_key: bytes, proof: bytes) -> Approver:
        """From now on this key, and no earlier one of his, approves in the operator's name. Raises `ApproverRefused`.

        `proof` is the key's signature over its owner's name, so that nobody registers what he does not hold.
        """
        if not is_signed(public_key, proof, registration(operator)):
            raise ApproverRefused("the key does not sign as yours. Nothing was changed.")
        now = self._clock.now()
        with self._db:
            known = self.of_key(public_key)
            if known is not None and (known.operator != operator or known.revoked):
                raise ApproverRefused("that key was registered before; make a new one. Nothing was changed.")
            if known is None:
                self._db.execute(
                    "UPDATE approver_keys SET revoked = ? WHERE operator = ? AND revoked = 0", (now, operator)
                )
                self._db.execute("INSERT INTO approver_keys VALUES (?, ?, ?, 0)", (public_key, operator, now))
        made = self.of_key(public_key)
        assert made is not None, "it was just written"
        return made

    def revoke(self, operator: str) -> Approver:
        """The operator's key approves nothing more. Raises `ApproverRefused`."""
        living = self.living(operator)
        if living is None:
            raise ApproverRefused(f"{operator} has no key that approves. Nothing was changed.")
        now = self._clock.now()
        self._db.execute("UPDATE approver_keys SET revoked = ? WHERE public_key = ?", (now, living.public_key))
        return msgspec.structs.replace(living, revoked=now)

    def living(self, operator: str) -> Approver | None:
        """The key that approves in the operator's name."""
        return self._one("operator = ? AND revoked = 0", operator)

    def of_key(self, public_key: bytes) -> Approver | None:
        """Whose key it is, or was."""
        return self._one("public_key = ?", public_key)

    def list(self) -> list[Approver]:
        """All keys, revoked ones too, oldest first."""
        return [Approver(*row) for row in self._db.execute(f"{_SELECT} ORDER BY created, operator")]

    def _one(self, where: str, value: str | bytes) -> Approver | None:
        row = self._db.execute(f"{_SELECT} WHERE {where}", (value,)).fetchone()
        return None if row is None else Approver(*row)


_SELECT = "SELECT public_key, operator, created, revoked FROM approver_keys"


def registration(operator: str) -> bytes:
    """What a key signs to be registered as the operator's."""
    return f"onebox-approver-1 {operator}".encode()


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the key's owner signed `message`. Anything that is no key or no signature did not."""
    try:
        VerifyKey(public_key).verify(message, signature)
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True
