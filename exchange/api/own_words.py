"""One's own events and one's own money as JSON, beyond the dialect: every field of an event, by its type.

A field's type says how it is written (ticks as a price, lots as a quantity, microseconds as milliseconds), so an event
that is new to the core is worded without a line here. Nothing of the other side of a trade is told.
"""

from __future__ import annotations

import typing
from enum import IntEnum
from functools import cache
from typing import Any, Final

import msgspec

from exchange.api.amounts import price_text, quantity_text, quote_text
from exchange.api.catalogue import Catalogue
from exchange.core import events as ev
from exchange.core.decimals import render
from exchange.core.market import Market
from exchange.core.postings import ACCOUNT_SHIFT, FEES, Bucket, split_key
from exchange.core.units import AccountId, Amount, AssetId, ListId, MarketId, Micros, OrderId, Price, Quantity, TradeId
from exchange.ledger.records import Movement, OwnEvent

_HIDDEN: Final = {"time", "account", "account_seq", "maker_seq", "taker_seq", "digest", "answer", "aggregate"} | {
    "released",
    "maker_released",
    "taker_released",
}
"""Told elsewhere or nobody's business: what an end released is in the ledger, with the balance after it."""

_RENAMED: Final = {"maker_lots": "makerPreventedQuantity", "taker_lots": "takerPreventedQuantity"}
"""What is told as a quantity is not called lots, but as in the dialect's answers."""

_SUFFIX: Final = {OrderId: "Id", TradeId: "Id", ListId: "Id"}

PARTS: Final = {Bucket.AVAILABLE: "free", Bucket.HELD: "locked", Bucket.RECEIVABLE: "owed"}
"""The parts of a balance; what is owed is negative."""


def kind_of(event: ev.Event | type[ev.Event]) -> str:
    """What an event is called: `orderAccepted`."""
    name = (event if isinstance(event, type) else type(event)).__name__
    return name[0].lower() + name[1:]


def own_event(own: OwnEvent, catalogue: Catalogue) -> dict[str, Any]:
    """An event of the account that it is told to."""
    event = own.event
    told: dict[str, Any] = {
        "number": own.number,
        "event": own.seq,
        "time": event.time // 1000,
        "kind": kind_of(event),
    }
    if type(event) is ev.Traded:
        return told | _trade(own, event, catalogue.markets[event.market])
    market = catalogue.markets.get(getattr(event, "market", MarketId(0)))
    for name, hint in _fields(type(event)):
        written = _written(getattr(event, name), name, hint, event, market, catalogue)
        if written is not None:
            told[_name(name, hint)] = written
    return told


def _name(field: str, hint: Any) -> str:  # noqa: ANN401  # its type
    """What a field is called outside."""
    if hint is MarketId:
        return "symbol"
    return _RENAMED.get(field) or _camel(field) + _SUFFIX.get(hint, "")


def _trade(own: OwnEvent, event: ev.Traded, market: Market) -> dict[str, Any]:
    """One side of a trade."""
    maker = own.number == event.maker_seq and not (own.number == event.taker_seq and event.maker != event.taker)
    buys = (event.taker_side == 1) != maker
    fee = event.maker_fee if maker else event.taker_fee
    return {
        "symbol": market.symbol,
        "tradeId": event.trade,
        "orderId": event.maker_order if maker else event.taker_order,
        "side": "BUY" if buys else "SELL",
        "role": "maker" if maker else "taker",
        "price": price_text(market, event.price),
        "quantity": quantity_text(market, event.quantity),
        "quoteQuantity": quote_text(market, event.notional),
        "fee": render(fee, market.base_decimals) if buys else quote_text(market, fee),
    }


@cache
def _fields(kind: type[ev.Event]) -> tuple[tuple[str, Any], ...]:
    """The fields that are told, and their types."""
    hints = typing.get_type_hints(kind)
    return tuple((name, hints[name]) for name in kind.__struct_fields__ if name not in _HIDDEN)


def _written(  # one line for each type
    value: Any,  # noqa: ANN401  # of the type `hint`
    name: str,
    hint: Any,  # noqa: ANN401
    event: ev.Event,
    market: Market | None,
    catalogue: Catalogue,
) -> Any:  # noqa: ANN401  # JSON
    """A field as JSON; None leaves it out."""
    if hint is Amount:
        return _amount(value, name, event, market, catalogue)
    if hint is Micros:
        return value // 1000
    if hint is MarketId:
        return catalogue.markets[value].symbol
    if hint is AssetId:
        return catalogue.assets[value].code
    if hint is AccountId:
        return None
    if hint is Price:
        return price_text(market, value) if market is not None else value
    if hint is Quantity:
        return quantity_text(market, value) if market is not None else value
    if isinstance(value, IntEnum):
        return value.name
    if name == "markets":
        return [catalogue.markets[one].symbol for one in value]
    return msgspec.to_builtins(value)


def _amount(value: Amount, name: str, event: ev.Event, market: Market | None, catalogue: Catalogue) -> str | None:
    """Atoms of the asset that the event is about: its own, or its market's base where a sale holds it, or the quote."""
    asset = getattr(event, "asset", None)
    if asset is not None:
        return render(value, catalogue.assets[asset].decimals)
    if market is None:
        return None
    if name == "hold" and getattr(event, "side", 1) == 2:
        return render(value, market.base_decimals)
    return quote_text(market, value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class LedgerRow(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One change of one part of one balance: `amount` is signed, `balance` what that part came to."""

    number: int
    event: int
    time: int
    cause: str
    asset: str
    part: str
    amount: str
    balance: str
    symbol: str = ""
    trade_id: int = 0
    order_id: int = 0
    reference: str = ""


def ledger_row(move: Movement, catalogue: Catalogue) -> LedgerRow:
    """A movement with its cause."""
    _, number, bucket = split_key(move.key)
    own, asset = move.cause, catalogue.assets[number]
    event: Any = own.event
    market = catalogue.markets.get(getattr(event, "market", MarketId(0)))
    return LedgerRow(
        own.number,
        own.seq,
        event.time // 1000,
        cause_of(move),
        asset.code,
        PARTS[bucket],
        render(move.amount, asset.decimals),
        render(move.balance, asset.decimals),
        market.symbol if market is not None else "",
        getattr(event, "trade", 0),
        _order_of(own, move.key >> ACCOUNT_SHIFT),
        getattr(event, "reference", "") or getattr(event, "key", ""),
    )


def cause_of(move: Movement) -> str:
    """Why a balance changed."""
    event, mine = move.cause.event, move.key >> ACCOUNT_SHIFT
    inside = move.other >> ACCOUNT_SHIFT == mine
    match event:
        case ev.Credited():
            return "credit"
        case ev.DepositMoved():
            return "deposit" if event.recovered >= 0 and move.amount > 0 else "depositUndone"
        case ev.WithdrawalMoved():
            if not inside and split_key(move.other)[0] == FEES:
                return "fee"
            kind = "withdrawal"
        case ev.Traded():
            if not inside:
                return "fee" if split_key(move.other)[0] == FEES else "trade"
            return "trade" if event.maker == event.taker else "orderRelease"
        case _:
            kind = "order"
    if not inside:
        return kind
    held, gained = split_key(move.key)[2] is Bucket.HELD, move.amount > 0
    return f"{kind}Hold" if held is gained else f"{kind}Release"


def _order_of(own: OwnEvent, account: int) -> int:
    event = own.event
    if type(event) is ev.Traded:
        return event.taker_order if event.taker == account and own.number == event.taker_seq else event.maker_order
    if type(event) is ev.MatchPrevented:
        return event.taker_order if own.number == event.taker_seq else event.maker_order
    order: int = getattr(event, "order", 0)
    return order
