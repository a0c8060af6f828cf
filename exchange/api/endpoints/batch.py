"""Beyond the dialect: several orders and cancels in one request under one signature, each answered on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
import trio

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.endpoints.cancel_replace import ReplaceRequest, replacement
from exchange.api.endpoints.orders import CancelRequest, cancellation, placement
from exchange.api.endpoints.sizing import NewOrder
from exchange.api.errors import Refusal, Refused
from exchange.api.once import decided, first, keyed, orders_of
from exchange.api.parameters import Entries, decode
from exchange.api.reasons import beyond
from exchange.api.rooms import Rooms
from exchange.api.submission import Submission
from exchange.core.commands import Command, Keyed
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject

_KINDS: Final[dict[str, tuple[type[msgspec.Struct], Callable[..., Submission]]]] = {
    "order.place": (NewOrder, placement),
    "order.cancel": (CancelRequest, cancellation),
    "order.cancelReplace": (ReplaceRequest, replacement),
}
"""What an entry may ask for, by its `method`."""


class BatchRequest(msgspec.Struct, frozen=True, rename="camel"):
    batch_orders: Entries


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one entry: a `result`, or an `error`."""

    status: int
    result: Any = None
    error: Any = None


class _Begun(msgspec.Struct, frozen=True):
    command: Command
    submission: Submission
    key: str | None


async def batch(rooms: Rooms, caller: Caller, request: BatchRequest) -> list[Entry]:
    """Do what each entry asks, in their order and with nobody else's in between; the answers are in that order too."""
    begun = [_begin(rooms, caller, dict(entry)) for entry in request.batch_orders]
    allowed = [one.command for one in begun if isinstance(one, _Begun) and one.submission.over is None]
    outcomes = await _decided(rooms, allowed)
    entries = []
    for one in begun:
        if isinstance(one, Refusal):
            entries.append(_refused(rooms, one))
        else:
            entries.append(await _worded(rooms, caller, one, outcomes))
    return entries


def _begin(rooms: Rooms, caller: Caller, sent: dict[str, str]) -> _Begun | Refusal:
    """All but the deed of one entry."""
    kind = sent.pop("method", "order.place")
    if kind not in _KINDS:
        return errors.invalid("method")
    takes, begin = _KINDS[kind]
    try:
        asked = decode(takes, sent)
        submission = begin(rooms, caller, asked)
    except Refused as refused:
        return refused.refusal
    key = getattr(asked, "idempotency_key", None)
    command = submission.command if key is None else keyed(caller, kind, asked, key, submission)
    return _Begun(command, submission, key)


async def _decided(rooms: Rooms, commands: list[Command]) -> list[Outcome]:
    """All in one go: no await lies between the first and the last, so nobody's commands come between them."""
    outcomes: list[Outcome] = []
    done = trio.Event()

    def reply(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == accepted:
            done.set()

    accepted = 0
    for command in commands:
        if not rooms.sequencer.submit(command, reply):
            break  # whoever comes behind it would find no room either, or would come before it
        accepted += 1
    if accepted:
        await done.wait()
    return outcomes + [Outcome(Reject.QUEUE_FULL)] * (len(commands) - accepted)


async def _worded(rooms: Rooms, caller: Caller, begun: _Begun, outcomes: list[Outcome]) -> Entry:
    """One entry's answer; takes its outcome, if it was decided with the others."""
    over = begun.submission.over
    try:
        if over is None:
            outcome = outcomes.pop(0)
        else:
            assert isinstance(begun.command, Keyed)
            outcome = await decided(rooms, begun.command, over)
        if begun.key is not None:
            outcome = await first(rooms, caller, begun.key, outcome, orders_of(begun.submission))
        return Entry(200, result=begun.submission.word(outcome))
    except Refused as refused:
        return _refused(rooms, refused.refusal)


def _refused(rooms: Rooms, refusal: Refusal) -> Entry:
    return Entry(refusal.status, error=beyond(refusal, rooms.clock.now()))
