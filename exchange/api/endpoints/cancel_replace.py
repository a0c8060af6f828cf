"""Cancelling one order and placing another in its stead, in one command."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.endpoints.orders import CANCEL_ID_CHARS, NamedOrder, answer_to, cancel_answer, named, only_in
from exchange.api.endpoints.sizing import NewOrder, placing
from exchange.api.errors import Refusal, Refused, refusal_of
from exchange.api.once import counted, submitted_once
from exchange.api.parameters import CancelRestriction, ClientId, Count, RateLimitMode, ReplaceMode
from exchange.api.rooms import Rooms
from exchange.api.submission import Submission
from exchange.api.wire_lists import CancelledList
from exchange.api.wire_orders import Acknowledged, Cancelled, Placed
from exchange.api.wire_replaced import Failed, Replaced
from exchange.core.commands import CancelOrder, CancelReplace
from exchange.core.events import OrderEnded
from exchange.core.market import Market
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject


class ReplaceRequest(NewOrder, frozen=True, rename="camel", kw_only=True):
    """A new order, the order to cancel for it, and what to do when the cancel fails."""

    cancel_replace_mode: ReplaceMode
    cancel_order_id: Count | None = None
    cancel_orig_client_order_id: ClientId | None = None
    cancel_new_client_order_id: ClientId | None = None
    cancel_restrictions: CancelRestriction | None = None
    order_rate_limit_exceeded_mode: RateLimitMode | None = None


class _Result(Enum):
    SUCCESS = 1
    FAILURE = 2
    NOT_ATTEMPTED = 3


async def cancel_replace(rooms: Rooms, caller: Caller, request: ReplaceRequest) -> Replaced:
    """Both succeed: the reply. One fails: 409 and -2021, none succeeds: 400 and -2022, both halves in `data`."""
    begun = replacement(rooms, caller, request)
    answer: Replaced = await submitted_once(rooms, caller, "order.cancelReplace", request, begun)
    return answer


def replacement(rooms: Rooms, caller: Caller, request: ReplaceRequest) -> Submission:
    """The synchronous half of `cancel_replace`."""
    market = rooms.catalogue.find(request.symbol)
    place = placing(rooms.clock, caller.account, market, request)
    old = NamedOrder(
        symbol=request.symbol,
        order_id=request.cancel_order_id,
        orig_client_order_id=request.cancel_orig_client_order_id,
    )
    order, client_id = named(old, "cancelOrderId", "cancelOrigClientOrderId")
    cancel_id = request.cancel_new_client_order_id or rooms.clock.token(CANCEL_ID_CHARS)
    only = only_in(request.cancel_restrictions)
    cancel = CancelOrder(caller.account, market.id, order, client_id, cancel_id, only)
    try:
        over = counted(rooms, caller, request)  # under a key it is the whole that is done once, never a half of it
    except Refused as refused:
        if request.order_rate_limit_exceeded_mode is not RateLimitMode.CANCEL_ONLY:
            raise
        return Submission(cancel, _only_cancelled(market, request, cancel_id, refused.refusal))

    def word(outcome: Outcome) -> Replaced:
        _refuse_unknown(outcome)
        return _answer(_both(rooms, market, request, outcome, _name_of_cancel(outcome) or cancel_id))

    even_if_cancel_fails = request.cancel_replace_mode is ReplaceMode.ALLOW_FAILURE
    return Submission(CancelReplace(cancel, place, even_if_cancel_fails), word, over)


def _name_of_cancel(outcome: Outcome) -> str:
    """What the cancel was called: under an idempotency key, by the first who asked."""
    return next((event.cancel_id for event in outcome.events if isinstance(event, OrderEnded)), "")


def _refuse_unknown(outcome: Outcome) -> None:
    """Refuse as a whole what was never decided."""
    if outcome.reject in {Reject.QUEUE_FULL, Reject.INTERNAL}:
        raise Refused(refusal_of(outcome.reject))


def _only_cancelled(
    market: Market, request: ReplaceRequest, cancel_id: str, too_many: Refusal
) -> Callable[[Outcome], Replaced]:
    """What to say when the account has placed too many orders but wants the old one cancelled all the same."""
    stops = request.cancel_replace_mode is ReplaceMode.STOP_ON_FAILURE

    def word(outcome: Outcome) -> Replaced:
        _refuse_unknown(outcome)
        failed = Failed(too_many.code, too_many.text)
        if outcome.reject is None:
            cancelled_row = cancel_answer(market, outcome, cancel_id)
            both = Replaced(_Result.SUCCESS.name, _Result.FAILURE.name, cancelled_row, failed)
        elif stops:
            both = Replaced(_Result.FAILURE.name, _Result.NOT_ATTEMPTED.name, _failed(outcome.reject), None)
        else:
            both = Replaced(_Result.FAILURE.name, _Result.FAILURE.name, _failed(outcome.reject), failed)
        refusal = _half_refused(both)
        if stops:
            refusal = msgspec.structs.replace(refusal, status=too_many.status, retry_after=too_many.retry_after)
        raise Refused(refusal)

    return word


def _both(rooms: Rooms, market: Market, request: ReplaceRequest, outcome: Outcome, cancel_id: str) -> Replaced:
    """What became of either half."""
    old: Cancelled | CancelledList | Failed
    if outcome.reject is None:
        cancel_result, old = _Result.SUCCESS, cancel_answer(market, outcome, cancel_id)
    else:
        cancel_result, old = _Result.FAILURE, _failed(outcome.reject)
    new: Acknowledged | Placed | Failed | None
    if outcome.replaced is None:
        new_result, new = _Result.NOT_ATTEMPTED, None
    elif outcome.replaced.reject is not None:
        new_result, new = _Result.FAILURE, _failed(outcome.replaced.reject)
    else:
        new_result = _Result.SUCCESS
        new = answer_to(rooms, market, outcome.replaced, request.new_order_resp_type)
    return Replaced(cancel_result.name, new_result.name, old, new)


def _failed(reject: Reject) -> Failed:
    return Failed(reject.code, reject.text)


def _answer(replaced: Replaced) -> Replaced:
    if {replaced.cancel_result, replaced.new_order_result} == {"SUCCESS"}:
        return replaced
    raise Refused(_half_refused(replaced))


def _half_refused(replaced: Replaced) -> Refusal:
    """That one half failed, or both, with what became of each."""
    success = "SUCCESS" in {replaced.cancel_result, replaced.new_order_result}
    refusal = errors.REPLACE_HALF_FAILED if success else errors.REPLACE_FAILED
    return msgspec.structs.replace(refusal, details=msgspec.Raw(msgspec.json.encode(replaced)))
