"""Replies about trades of one's own."""

from __future__ import annotations

import msgspec

from exchange.api.amounts import base_text, price_text, quantity_text, quote_text
from exchange.api.wire_orders import NO_LIST
from exchange.core.market import Market
from exchange.core.orders import Side
from exchange.core.units import AccountId, ListId, OrderId
from exchange.ledger.rows import TradeRow


class OwnTrade(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A trade as one of its two sides sees it."""

    symbol: str
    id: int
    order_id: int
    order_list_id: int = NO_LIST
    price: str
    qty: str
    quote_qty: str
    commission: str
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    is_best_match: bool = True


def own_trades(
    market: Market,
    codes: tuple[str, str],
    row: TradeRow,
    account: AccountId,
    order: OrderId | None,
    lists: dict[OrderId, ListId],
) -> list[OwnTrade]:
    """The account's sides of a trade: one, or both when it traded with itself. `order` keeps to one order's side.

    `lists` has the order list of each order that belongs to one.
    """
    return [
        _own_trade(market, codes, row, lists.get(owned, NO_LIST), is_maker=is_maker)
        for is_maker, owner, owned in ((True, row.maker, row.maker_order), (False, row.taker, row.taker_order))
        if owner == account and order in {None, owned}
    ]


def _own_trade(market: Market, codes: tuple[str, str], row: TradeRow, order_list: int, *, is_maker: bool) -> OwnTrade:
    bought = (row.taker_side == Side.BUY) != is_maker
    fee = row.maker_fee if is_maker else row.taker_fee
    return OwnTrade(
        symbol=market.symbol,
        id=row.id,
        order_id=row.maker_order if is_maker else row.taker_order,
        order_list_id=order_list,
        price=price_text(market, row.price),
        qty=quantity_text(market, row.quantity),
        quote_qty=quote_text(market, row.notional),
        commission=base_text(market, fee) if bought else quote_text(market, fee),
        commission_asset=codes[0] if bought else codes[1],
        time=row.time // 1000,
        is_buyer=bought,
        is_maker=is_maker,
    )
