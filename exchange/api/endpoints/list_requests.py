"""The parameters of a new order list, and the orders that they ask for.

Each order of a list has parameters of its own, told apart by the order's role: `abovePrice`, `pendingPrice` and so on.
They are read as those of a single order are, and refused by the names under which they came.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from exchange.api import errors
from exchange.api.endpoints.sizing import NewOrder, placing
from exchange.api.errors import Refused
from exchange.api.parameters import ClientId, Count, Decimal, IdempotencyKey, ResponseType, Symbol
from exchange.clock import Clock
from exchange.core.commands import PlaceOrder
from exchange.core.market import Market
from exchange.core.orders import OrderType, SelfTrade, Side, TimeInForce
from exchange.core.units import AccountId


class NewList(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What every new order list may have. `idempotency_key` is beyond the dialect."""

    symbol: Symbol
    list_client_order_id: ClientId | None = None
    new_order_resp_type: ResponseType | None = None
    self_trade_prevention_mode: SelfTrade | None = None
    idempotency_key: IdempotencyKey | None = None


class NewOco(NewList, frozen=True, rename="camel", kw_only=True):
    """One cancels the other: the orders above and below the price."""

    side: Side
    quantity: Decimal
    above_type: OrderType
    above_client_order_id: ClientId | None = None
    above_iceberg_qty: Decimal | None = None
    above_price: Decimal | None = None
    above_stop_price: Decimal | None = None
    above_trailing_delta: Count | None = None
    above_time_in_force: TimeInForce | None = None
    above_peg_price_type: str | None = None
    below_type: OrderType
    below_client_order_id: ClientId | None = None
    below_iceberg_qty: Decimal | None = None
    below_price: Decimal | None = None
    below_stop_price: Decimal | None = None
    below_trailing_delta: Count | None = None
    below_time_in_force: TimeInForce | None = None
    below_peg_price_type: str | None = None


class NewWorking(NewList, frozen=True, rename="camel", kw_only=True):
    """The working order of an OTO or OTOCO."""

    working_type: OrderType
    working_side: Side
    working_client_order_id: ClientId | None = None
    working_price: Decimal
    working_quantity: Decimal
    working_iceberg_qty: Decimal | None = None
    working_time_in_force: TimeInForce | None = None
    working_peg_price_type: str | None = None


class NewOto(NewWorking, frozen=True, rename="camel", kw_only=True):
    """One triggers the other: the working order, and the one that waits for it."""

    pending_type: OrderType
    pending_side: Side
    pending_client_order_id: ClientId | None = None
    pending_price: Decimal | None = None
    pending_stop_price: Decimal | None = None
    pending_trailing_delta: Count | None = None
    pending_quantity: Decimal
    pending_iceberg_qty: Decimal | None = None
    pending_time_in_force: TimeInForce | None = None
    pending_peg_price_type: str | None = None


class NewOtoco(NewWorking, frozen=True, rename="camel", kw_only=True):
    """One triggers a pair: the working order, and the two that wait for it."""

    pending_side: Side
    pending_quantity: Decimal
    pending_above_type: OrderType
    pending_above_client_order_id: ClientId | None = None
    pending_above_price: Decimal | None = None
    pending_above_stop_price: Decimal | None = None
    pending_above_trailing_delta: Count | None = None
    pending_above_iceberg_qty: Decimal | None = None
    pending_above_time_in_force: TimeInForce | None = None
    pending_above_peg_price_type: str | None = None
    pending_below_type: OrderType
    pending_below_client_order_id: ClientId | None = None
    pending_below_price: Decimal | None = None
    pending_below_stop_price: Decimal | None = None
    pending_below_trailing_delta: Count | None = None
    pending_below_iceberg_qty: Decimal | None = None
    pending_below_time_in_force: TimeInForce | None = None
    pending_below_peg_price_type: str | None = None


class OldOco(NewList, frozen=True, rename="camel", kw_only=True):
    """An OCO as it was asked for before lists had names for their orders: a limit and a stop-loss."""

    side: Side
    quantity: Decimal
    limit_client_order_id: ClientId | None = None
    price: Decimal
    limit_iceberg_qty: Decimal | None = None
    trailing_delta: Count | None = None
    stop_client_order_id: ClientId | None = None
    stop_price: Decimal | None = None
    stop_limit_price: Decimal | None = None
    stop_iceberg_qty: Decimal | None = None
    stop_limit_time_in_force: TimeInForce | None = None


Parts = dict[str, str]
"""By field of `NewOrder`, the field of the list's request that stands for it."""

_FIELDS: Final = frozenset(NewOrder.__struct_fields__) - {"symbol"}
_RENAMED: Final = {"new_client_order_id": "client_order_id"}
_PAIR: Final = {"side": "side", "quantity": "quantity"}
_PENDING_PAIR: Final = {"side": "pending_side", "quantity": "pending_quantity"}


def _parts(takes: type[NewList], role: str, shared: Parts) -> Parts:
    """The fields of `takes` that are those of one order."""
    known = frozenset(takes.__struct_fields__)
    mine = {field: f"{role}_{_RENAMED.get(field, field)}" for field in _FIELDS}
    both = {"self_trade_prevention_mode": "self_trade_prevention_mode"}
    return {field: name for field, name in mine.items() if name in known} | shared | both


ABOVE: Final = _parts(NewOco, "above", _PAIR)
BELOW: Final = _parts(NewOco, "below", _PAIR)
WORKING: Final = _parts(NewWorking, "working", {})
PENDING: Final = _parts(NewOto, "pending", {})
PENDING_ABOVE: Final = _parts(NewOtoco, "pending_above", _PENDING_PAIR)
PENDING_BELOW: Final = _parts(NewOtoco, "pending_below", _PENDING_PAIR)
LIMIT: Final = _PAIR | {
    "new_client_order_id": "limit_client_order_id",
    "price": "price",
    "iceberg_qty": "limit_iceberg_qty",
    "self_trade_prevention_mode": "self_trade_prevention_mode",
}
STOP: Final = _PAIR | {
    "new_client_order_id": "stop_client_order_id",
    "price": "stop_limit_price",
    "stop_price": "stop_price",
    "trailing_delta": "trailing_delta",
    "time_in_force": "stop_limit_time_in_force",
    "iceberg_qty": "stop_iceberg_qty",
    "self_trade_prevention_mode": "self_trade_prevention_mode",
}

_QUOTED: Final = re.compile(r"'(\w+)'")


def member(
    clock: Clock, account: AccountId, market: Market, request: NewList, parts: Parts, kind: OrderType | None = None
) -> PlaceOrder:
    """One order of a list, of a `kind` unless a parameter says which. Raises `Refused`."""
    wish = {field: getattr(request, name) for field, name in parts.items()}
    if kind is not None:
        wish["type"] = kind
    try:
        return placing(clock, account, market, NewOrder(symbol=request.symbol, **wish))
    except Refused as refused:
        text = _QUOTED.sub(lambda found: f"'{_sent_as(parts, found[1])}'", refused.refusal.text)
        raise Refused(msgspec.structs.replace(refused.refusal, text=text)) from None


def _sent_as(parts: Parts, name: str) -> str:
    """The list's parameter behind an order's parameter of that name."""
    names = msgspec.structs.fields(NewOrder)
    field = next((one.name for one in names if one.encode_name == name), "")
    return _camel(parts[field]) if field in parts else name


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def old_pair(clock: Clock, account: AccountId, market: Market, request: OldOco) -> tuple[PlaceOrder, PlaceOrder]:
    """The orders above and below that an OCO of the old kind asks for."""
    limited = request.stop_limit_price is not None
    if not limited and request.stop_limit_time_in_force is not None:
        raise Refused(errors.not_required("stopLimitTimeInForce"))
    kind = OrderType.STOP_LOSS_LIMIT if limited else OrderType.STOP_LOSS
    limit = member(clock, account, market, request, LIMIT, OrderType.LIMIT_MAKER)
    stop = member(clock, account, market, request, STOP, kind)
    return (limit, stop) if request.side == Side.SELL else (stop, limit)
