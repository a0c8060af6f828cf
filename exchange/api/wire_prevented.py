"""Replies about trades with oneself that were prevented."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from exchange.api.amounts import price_text, quantity_text
from exchange.core.events import MatchPrevented
from exchange.core.market import Market
from exchange.ledger.rows import PreventedRow

NO_GROUP = -1
"""Accounts are not grouped: self-trade prevention is each account's own affair."""


class PreventedHere(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A trade with oneself that a new order was kept from."""

    prevented_match_id: int
    maker_order_id: int
    price: str
    taker_prevented_quantity: str | UnsetType = UNSET
    maker_prevented_quantity: str | UnsetType = UNSET


class PreventedMatch(PreventedHere, frozen=True, rename="camel", kw_only=True):
    """The same as a query shows it, with both orders."""

    symbol: str
    taker_order_id: int
    maker_symbol: str
    trade_group_id: int = NO_GROUP
    self_trade_prevention_mode: str
    transact_time: int


def prevented_here(market: Market, event: MatchPrevented) -> PreventedHere:
    """A prevented match in the answer to the order that was the taker."""
    return PreventedHere(
        prevented_match_id=event.match,
        maker_order_id=event.maker_order,
        price=price_text(market, event.price),
        taker_prevented_quantity=_lost(market, event.taker_lots),
        maker_prevented_quantity=_lost(market, event.maker_lots),
    )


def prevented_match(market: Market, row: PreventedRow) -> PreventedMatch:
    """A prevented match as a query shows it."""
    return PreventedMatch(
        prevented_match_id=row.id,
        maker_order_id=row.maker_order,
        price=price_text(market, row.price),
        taker_prevented_quantity=_lost(market, row.taker_lots),
        maker_prevented_quantity=_lost(market, row.maker_lots),
        symbol=market.symbol,
        taker_order_id=row.taker_order,
        maker_symbol=market.symbol,
        self_trade_prevention_mode=row.mode.name,
        transact_time=row.time // 1000,
    )


def _lost(market: Market, lots: int) -> str | UnsetType:
    return quantity_text(market, lots) if lots else UNSET
