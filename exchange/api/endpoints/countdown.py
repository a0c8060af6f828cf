"""Beyond the dialect: cancel all open orders in a market unless the client speaks up in time."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.errors import Refused, refusal_of
from exchange.api.parameters import Count, Symbol
from exchange.api.rooms import Rooms
from exchange.core.commands import SetCountdown
from exchange.core.events import CountdownSet
from exchange.core.units import Micros

_LEAST: Final = 100
_MOST: Final = 86_400_000
"""Milliseconds."""


class CountdownRequest(msgspec.Struct, frozen=True, rename="camel"):
    """`countdown_time` is in milliseconds; 0 disarms."""

    symbol: Symbol
    countdown_time: Count


class CountdownReply(msgspec.Struct, frozen=True, rename="camel"):
    """`due` is when it fires, in milliseconds; 0: never."""

    symbol: str
    countdown_time: int
    due: int


async def countdown_cancel_all(rooms: Rooms, caller: Caller, request: CountdownRequest) -> CountdownReply:
    """Start, restart or (with 0) stop the countdown after which one's open orders in a market are cancelled."""
    market, time = rooms.catalogue.find(request.symbol), request.countdown_time
    if time and not _LEAST <= time <= _MOST:
        raise Refused(errors.invalid("countdownTime"))
    outcome = await rooms.sequencer.call(SetCountdown(caller.account, market.id, Micros(time * 1000)))
    if outcome.reject is not None:
        raise Refused(refusal_of(outcome.reject))
    due = next((event.due for event in outcome.events if isinstance(event, CountdownSet)), 0)
    return CountdownReply(market.symbol, time, -(-due // 1000))
