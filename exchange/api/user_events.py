"""What an account is told of its own: orders, trades and balances, in the dialect's letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from exchange.api.catalogue import Catalogue
from exchange.api.wire_lists import contingency, standing
from exchange.api.wire_orders import NOT_TRAILING, NOT_WORKING, list_id, original_quantity, working_time
from exchange.api.wire_prevented import NO_GROUP
from exchange.core.committed import Report
from exchange.core.decimals import render
from exchange.core.events import (
    Credited,
    DepositMoved,
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderAmended,
    OrderEnded,
    OrderReleased,
    OrderTriggered,
    Traded,
    WithdrawalMoved,
)
from exchange.core.market import Market
from exchange.core.order_lists import OrderListRow
from exchange.core.orders import ExpiryReason, OrderRow, OrderStatus, OrderType, Side, TimeInForce
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AssetId, Micros
from exchange.market_data.printing import notional_text, price_text, quantity_text

_NO_TRADE: Final = -1


class ExecutionReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What became of an order. In a cancel's report `c` names the cancel and `C` the order."""

    e: str = "executionReport"
    E: int
    s: str
    c: str
    S: str
    o: str
    f: str
    q: str
    p: str
    P: str
    F: str
    g: int
    C: str
    x: str
    X: str
    r: str = "NONE"
    i: int
    l: str  # noqa: E741  # the dialect's letter
    z: str
    L: str
    n: str
    N: str | None
    T: int
    t: int
    I: int  # noqa: E741  # the dialect's letter
    w: bool
    m: bool
    M: bool = False
    O: int  # noqa: E741  # the dialect's letter
    Z: str
    Y: str
    Q: str
    W: int | UnsetType = UNSET
    V: str
    eR: str | UnsetType = UNSET  # noqa: N815  # the dialect's name
    d: int | UnsetType = UNSET
    D: int | UnsetType = UNSET
    j: int | UnsetType = UNSET
    J: int | UnsetType = UNSET
    v: int | UnsetType = UNSET
    A: str | UnsetType = UNSET
    B: str | UnsetType = UNSET
    u: int | UnsetType = UNSET
    U: int | UnsetType = UNSET
    Cs: str | UnsetType = UNSET
    pl: str | UnsetType = UNSET
    pL: str | UnsetType = UNSET  # noqa: N815
    pY: str | UnsetType = UNSET  # noqa: N815


class ListMember(msgspec.Struct, frozen=True, gc=False):
    """One order of a list."""

    s: str
    i: int
    c: str


class ListStatus(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What became of an order list. It stands behind the reports of its orders."""

    e: str = "listStatus"
    E: int
    s: str
    g: int
    c: str
    l: str  # noqa: E741  # the dialect's letter
    L: str
    r: str = "NONE"
    C: str
    T: int
    O: list[ListMember]  # noqa: E741  # the dialect's letter


class Balance(msgspec.Struct, frozen=True, gc=False):
    """What the account has of an asset: `f` to spend, `l` held."""

    a: str
    f: str
    l: str  # noqa: E741  # the dialect's letter


class AccountPosition(msgspec.Struct, frozen=True, gc=False):
    """The balances that an event may have changed."""

    e: str
    E: int
    u: int
    B: list[Balance]


class BalanceUpdate(msgspec.Struct, frozen=True, gc=False):
    """Money came from outside, or left."""

    e: str
    E: int
    a: str
    d: str
    T: int


class _Execution(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What of a report depends on the event and not on the order."""

    kind: str
    time: Micros
    last: str
    price: str
    notional: str
    commission: str = "0"
    asset: str | None = None
    trade: int = _NO_TRADE
    maker: bool = False
    client_id: str
    original: str = ""
    expiry: str | UnsetType = UNSET
    lost: dict[str, Any] = {}  # made anew for each, by msgspec


def events_of(report: Report, catalogue: Catalogue) -> Iterator[msgspec.Struct]:
    """The dialect's events for one report, in the order in which they are told."""
    event, order = report.event, report.order
    if order is not None:
        execution = _execution(report, order, catalogue)
        if execution is not None:
            yield _report(report, order, execution, catalogue)
    if report.order_list is not None:
        yield _list_status(report.order_list, event, catalogue)
    delta = _delta(report)
    time = event.time // 1000
    if delta is not None:
        asset = catalogue.assets[delta[0]]
        yield BalanceUpdate("balanceUpdate", time, asset.code, render(delta[1], asset.decimals), time)
    if report.balances:
        balances = []
        for number, available, held in report.balances:
            asset = catalogue.assets[number]
            balances.append(Balance(asset.code, render(available, asset.decimals), render(held, asset.decimals)))
        yield AccountPosition("outboundAccountPosition", time, time, balances)


def _list_status(row: OrderListRow, event: Event, catalogue: Catalogue) -> ListStatus:
    time = event.time // 1000
    symbol = catalogue.markets[row.market].symbol
    of_list, of_orders = standing(row.status)
    return ListStatus(
        E=time,
        s=symbol,
        g=row.id,
        c=contingency(row.kind),
        l="UPDATED" if type(event) is OrderAmended else of_list,
        L=of_orders,
        C=row.client_id,
        T=time,
        O=[ListMember(symbol, order, name) for order, name in zip(row.orders, row.names, strict=True)],
    )


def _execution(report: Report, order: OrderRow, catalogue: Catalogue) -> _Execution | None:
    """What the event did to the order; None for what the dialect does not tell."""
    event, market = report.event, catalogue.markets[order.market]
    nothing = {
        "last": quantity_text(market, 0),
        "price": price_text(market, 0),
        "notional": notional_text(market, 0),
        "client_id": order.client_id,
    }
    match event:
        case OrderAccepted() | OrderReleased() | OrderTriggered():
            return _Execution(kind="NEW", time=event.time, **nothing)  # type: ignore[arg-type]
        case Traded():
            return _fill(event, order, market, catalogue)
        case OrderEnded(status=OrderStatus.CANCELED):
            nothing["client_id"] = event.cancel_id or f"cancel_{report.seq}"
            return _Execution(kind="CANCELED", time=event.time, original=order.client_id, **nothing)  # type: ignore[arg-type]
        case OrderEnded(status=OrderStatus.EXPIRED_IN_MATCH):  # in journals from before prevented matches had a number
            return _Execution(kind="TRADE_PREVENTION", time=event.time, **nothing)  # type: ignore[arg-type]
        case MatchPrevented():
            return _prevented(event, order, nothing, market)
        case OrderAmended():
            return _Execution(kind="REPLACED", time=event.time, original=event.name_before, **nothing)  # type: ignore[arg-type]
        case OrderEnded():
            return _Execution(kind="EXPIRED", time=event.time, expiry=_why_expired(event, order), **nothing)  # type: ignore[arg-type]
        case _:
            return None


def _prevented(event: MatchPrevented, order: OrderRow, nothing: dict[str, str], market: Market) -> _Execution:
    """What an order lost instead of trading with its own account."""
    maker = order.id == event.maker_order
    lots = event.maker_lots if maker else event.taker_lots
    lost = {
        "v": event.match,
        "B": quantity_text(market, lots),
        "u": NO_GROUP,
        "U": event.taker_order if maker else event.maker_order,
        "Cs": market.symbol,
        "pl": quantity_text(market, lots),
        "pL": price_text(market, event.price),
        "pY": notional_text(market, event.price * lots * market.unit),
    }
    return _Execution(kind="TRADE_PREVENTION", time=event.time, maker=maker, lost=lost, **nothing)  # type: ignore[arg-type]


def _special(order: OrderRow, market: Market, execution: _Execution) -> dict[str, Any]:
    """The letters that only orders have that are not plain."""
    found: dict[str, Any] = {}
    if order.trailing_delta:
        found["d"] = order.trailing_delta
        found["D"] = order.trailing_time // 1000 or NOT_TRAILING
    if order.strategy_id:
        found["j"] = order.strategy_id
    if order.strategy_type:
        found["J"] = order.strategy_type
    if order.prevented:
        found["A"] = quantity_text(market, order.prevented)
        found["v"] = order.prevented_match
    return found | execution.lost


def _fill(event: Traded, order: OrderRow, market: Market, catalogue: Catalogue) -> _Execution:
    """One trade, from the side of `order`; the fee is in the asset received."""
    maker = order.id == event.maker_order
    received = catalogue.assets[market.base if order.side == Side.BUY else market.quote]
    return _Execution(
        kind="TRADE",
        time=event.time,
        last=quantity_text(market, event.quantity),
        price=price_text(market, event.price),
        notional=notional_text(market, event.notional),
        commission=render(event.maker_fee if maker else event.taker_fee, received.decimals),
        asset=received.code,
        trade=event.trade,
        maker=maker,
        client_id=order.client_id,
    )


def _why_expired(event: OrderEnded, order: OrderRow) -> str:
    if event.reason != ExpiryReason.NONE:
        return ExpiryReason(event.reason).name
    if order.price and order.time_in_force == TimeInForce.IOC:
        return "UNFILLED_IOC_QUANTITY_EXPIRED"
    if order.type != OrderType.MARKET and order.time_in_force == TimeInForce.FOK:
        return "UNFILLED_FOK_ORDER_EXPIRED"
    return "INSUFFICIENT_LIQUIDITY"


def _report(report: Report, order: OrderRow, execution: _Execution, catalogue: Catalogue) -> ExecutionReport:
    market = catalogue.markets[order.market]
    working = working_time(order)
    time = execution.time // 1000
    return ExecutionReport(
        E=time,
        s=market.symbol,
        c=execution.client_id,
        S=order.side.name,
        o=order.type.name,
        f=order.time_in_force.name,
        q=quantity_text(market, original_quantity(order)),
        p=price_text(market, order.price),
        P=price_text(market, order.stop_price),
        F=quantity_text(market, order.iceberg),
        g=list_id(order),
        C=execution.original,
        x=execution.kind,
        X=order.status.name,
        i=order.id,
        l=execution.last,
        z=quantity_text(market, order.filled),
        L=execution.price,
        n=execution.commission,
        N=execution.asset,
        T=time,
        t=execution.trade,
        I=2 * report.seq + execution.maker,  # one event may be a trade of both sides with the same account
        w=order.working and order.is_open,
        m=execution.maker,
        O=order.created // 1000,
        Z=notional_text(market, order.filled_quote),
        Y=execution.notional,
        Q=notional_text(market, order.quote_quantity),
        W=UNSET if working == NOT_WORKING else working,
        V=order.self_trade.name,
        eR=execution.expiry,
        **_special(order, market, execution),
    )


def _delta(report: Report) -> tuple[AssetId, int] | None:
    """What came from outside the account or left it for good, in atoms."""
    match report.event:
        case (
            Credited(asset=asset, amount=amount) | DepositMoved(asset=asset, amount=amount, state=DepositState.CREDITED)
        ):
            return asset, amount
        case DepositMoved(asset=asset, recovered=recovered) if recovered:
            return asset, -recovered
        case WithdrawalMoved(asset=asset, amount=amount, state=WithdrawalState.FINAL, refunded=refunded, owed=owed):
            return asset, refunded + owed - amount
        case _:
            return None
