"""From the parameters of a new order to the command that places it, or refused: what each type needs and takes."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.api import errors
from exchange.api.amounts import read_budget, read_price, read_quantity
from exchange.api.errors import Refused
from exchange.api.parameters import ClientId, Count, Decimal, IdempotencyKey, ResponseType, Symbol
from exchange.clock import Clock
from exchange.core.commands import PlaceOrder
from exchange.core.market import Market
from exchange.core.orders import SLEEPING_TYPES, OrderType, SelfTrade, Side, TimeInForce
from exchange.core.units import AccountId, Amount, Price, Quantity

LEAST_STRATEGY_TYPE: Final = 1_000_000
"""The dialect keeps lower numbers of `strategyType` to itself."""
CLIENT_ID_CHARS: Final = 22
"""Length of the client order id that an order without one is given."""


class NewOrder(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Parameters of a new order; `idempotency_key` is beyond the dialect.

    Pegged orders are known so that they are refused in the dialect's words.
    """

    symbol: Symbol
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None = None
    quantity: Decimal | None = None
    quote_order_qty: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    new_client_order_id: ClientId | None = None
    new_order_resp_type: ResponseType | None = None
    self_trade_prevention_mode: SelfTrade | None = None
    iceberg_qty: Decimal | None = None
    trailing_delta: Count | None = None
    strategy_id: Count | None = None
    strategy_type: Count | None = None
    peg_price_type: str | None = None
    peg_offset_type: str | None = None
    peg_offset_value: Count | None = None
    idempotency_key: IdempotencyKey | None = None


_WIRE_NAMES: Final = {
    "time_in_force": "timeInForce",
    "quantity": "quantity",
    "quote_order_qty": "quoteOrderQty",
    "price": "price",
    "stop_price": "stopPrice",
}

_NEEDS: Final = {
    OrderType.LIMIT: ("time_in_force", "quantity", "price"),
    OrderType.MARKET: (),
    OrderType.LIMIT_MAKER: ("quantity", "price"),
    OrderType.STOP_LOSS: ("quantity", "stop_price"),
    OrderType.STOP_LOSS_LIMIT: ("time_in_force", "quantity", "price", "stop_price"),
    OrderType.TAKE_PROFIT: ("quantity", "stop_price"),
    OrderType.TAKE_PROFIT_LIMIT: ("time_in_force", "quantity", "price", "stop_price"),
}
"""What each type must come with. It takes nothing else, but that a market order has its size in base or in quote."""


_NO_QUANTITY, _NO_PRICE, _NO_BUDGET = Quantity(0), Price(0), Amount(0)
_GTC, _EXPIRE_MAKER = TimeInForce.GTC, SelfTrade.EXPIRE_MAKER
# Names of their own: a member of an enum class costs a function call, and so does a unit's name.


def placing(clock: Clock, account: AccountId, market: Market, order: NewOrder) -> PlaceOrder:
    """The command that `order` asks for, in ticks, lots and atoms; raises `Refused`."""
    _refuse_unsupported(order)
    _check_shape(order)
    price, stop_price = order.price, order.stop_price
    quantity, budget = order.quantity, order.quote_order_qty
    return PlaceOrder(
        account=account,
        market=market.id,
        side=order.side,
        type=order.type,
        quantity=read_quantity(market, quantity) if quantity is not None else _NO_QUANTITY,
        price=read_price(market, "price", price) if price is not None else _NO_PRICE,
        time_in_force=order.time_in_force or _GTC,
        client_id=order.new_client_order_id or clock.token(CLIENT_ID_CHARS),
        stop_price=read_price(market, "stopPrice", stop_price) if stop_price is not None else _NO_PRICE,
        quote_quantity=read_budget(market, budget) if budget is not None else _NO_BUDGET,
        self_trade=order.self_trade_prevention_mode or _EXPIRE_MAKER,
        iceberg=_iceberg(market, order.iceberg_qty),
        trailing_delta=order.trailing_delta or 0,
        strategy_id=order.strategy_id or 0,
        strategy_type=order.strategy_type or 0,
    )


def _iceberg(market: Market, sent: str | None) -> Quantity:
    """How many lots to show; an `icebergQty` of zero shows all, as the dialect has it."""
    return read_quantity(market, sent, "icebergQty") if sent is not None and sent.strip("0.") else _NO_QUANTITY


def _refuse_unsupported(order: NewOrder) -> None:
    if order.peg_price_type is not None or order.peg_offset_type is not None or order.peg_offset_value is not None:
        raise Refused(errors.NO_PEG)
    if order.strategy_type is not None and order.strategy_type < LEAST_STRATEGY_TYPE:
        raise Refused(errors.invalid("strategyType"))
    if order.strategy_id == 0:
        raise Refused(errors.invalid("strategyId"))
    if order.trailing_delta == 0:
        raise Refused(errors.invalid("trailingDelta"))


def _check_shape(order: NewOrder) -> None:
    """Refuse an order that lacks what its type needs, or brings what it does not take. What was good once is good."""
    shape = (
        order.type,
        order.time_in_force is None,
        order.quantity is None,
        order.quote_order_qty is None,
        order.price is None,
        order.stop_price is None,
        order.trailing_delta is None,
    )
    if shape not in _good_shapes:
        _check_each(order)
        _good_shapes.add(shape)


_good_shapes: Final[set[tuple[OrderType, bool, bool, bool, bool, bool, bool]]] = set()


def _check_each(order: NewOrder) -> None:
    needs: tuple[str, ...] = _NEEDS[order.type]
    if order.type == OrderType.MARKET:
        if order.quantity is None and order.quote_order_qty is None:
            raise Refused(errors.neither("quantity", "quoteOrderQty"))
        needs = ("quantity",) if order.quote_order_qty is None else ("quote_order_qty",)
    if order.trailing_delta is not None and order.type not in SLEEPING_TYPES:
        raise Refused(errors.not_required("trailingDelta"))
    for field, name in _WIRE_NAMES.items():
        sent = getattr(order, field) is not None
        if field in needs and not sent:
            if field == "stop_price" and order.trailing_delta is not None:
                continue  # a trailing stop may follow the price from the start
            raise Refused(errors.missing(name))
        if sent and field not in needs:
            raise Refused(errors.not_required(name))
