"""Idempotency keys at the doors: the same key and content get the first answer again.

An order without a key never comes by here.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, Protocol

import msgspec

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.errors import Refusal, Refused, refusal_of
from exchange.api.rooms import Rooms
from exchange.api.submission import Submission, submitted
from exchange.core.commands import CancelReplace, Keyed, PlaceOrder, PlaceOrderList
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject

_NOT_DONE: Final = {Reject.KEY_REUSED, Reject.TOO_MANY_KEYS, Reject.QUEUE_FULL, Reject.STORAGE_LOW}
"""Refusals of the whole, before anything of the command was looked at."""


class Once(Protocol):
    """A request that may carry a key."""

    @property
    def idempotency_key(self) -> str | None:
        """The key; None: it may be done any number of times."""
        ...


def content_digest(kind: str, request: msgspec.Struct) -> bytes:
    """What stands for all that is asked: the endpoint, and each parameter as it was sent, the key aside."""
    sent = {
        field.encode_name: value
        for field in msgspec.structs.fields(request)
        if field.name != "idempotency_key" and (value := getattr(request, field.name)) is not None
    }
    content = msgspec.json.encode([kind, sent], order="sorted")
    return hashlib.sha256(content).digest()[:16]


def keyed(caller: Caller, kind: str, request: msgspec.Struct, key: str, submission: Submission) -> Keyed:
    """The command that does what `submission` asks for once."""
    command = submission.command
    assert isinstance(command, PlaceOrder | CancelReplace | PlaceOrderList), command
    market = command.place.market if isinstance(command, CancelReplace) else command.market
    return Keyed(caller.account, market, key, content_digest(kind, request), command)


async def submitted_once(rooms: Rooms, caller: Caller, kind: str, request: Once, submission: Submission) -> Any:  # noqa: ANN401  # any endpoint's reply
    """The endpoint's reply, to this request or to the first under its key. Raises `Refused`."""
    key = request.idempotency_key
    if key is None:
        return await submitted(rooms, submission)
    assert isinstance(request, msgspec.Struct)
    outcome = await decided(rooms, keyed(caller, kind, request, key, submission), submission.over)
    return submission.word(await first(rooms, caller, key, outcome, orders_of(submission)))


def counted(rooms: Rooms, caller: Caller, request: Once, orders: int = 1) -> Refusal | None:
    """Count `orders` of the account. When these are too many: why, if there is a key, else raises `Refused`."""
    try:
        rooms.limits.count_order(caller.account, rooms.clock.now(), orders)
    except Refused as refused:
        if request.idempotency_key is None:
            raise
        return refused.refusal
    return None


async def decided(rooms: Rooms, command: Keyed, over: Refusal | None) -> Outcome:
    """What becomes of it. `over`: only the first answer may be had again; raises it as `Refused` if there is none."""
    if over is None:
        return await rooms.sequencer.call(command)
    now = rooms.clock.now()
    used = await rooms.sequencer.read(lambda state: state.keys.find(command.account, command.key, now))
    if used is None:
        raise Refused(over)
    return Outcome(None, repeats=True) if used.digest == command.digest else Outcome(Reject.KEY_REUSED)


def orders_of(submission: Submission) -> int:
    """How many orders were counted for it."""
    if submission.over is not None:
        return 0
    command = submission.command
    return len(command.orders) if isinstance(command, PlaceOrderList) else 1


async def first(rooms: Rooms, caller: Caller, key: str, outcome: Outcome, orders: int) -> Outcome:
    """The outcome to tell: this one, or the one that it repeats. Raises `Refused`.

    A repetition orders nothing: the `orders` that were counted for it are taken off again.
    """
    if outcome.reject in _NOT_DONE:
        raise Refused(refusal_of(outcome.reject))
    if not outcome.repeats:
        return outcome
    rooms.limits.forgive(caller.account, orders, rooms.clock.now())
    records = rooms.records
    before = await records.run(lambda: records.first_outcome(caller.account, key))
    if before is None:  # it died between the decision and now
        raise Refused(errors.INTERNAL)
    return before
