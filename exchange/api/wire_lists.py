"""Replies about order lists. Field names are the dialect's; an OTOCO is an OTO in its eyes."""

from __future__ import annotations

from typing import Any

import msgspec

from exchange.api.wire_orders import Acknowledged, Cancelled, Placed, cancelled
from exchange.core.market import Market
from exchange.core.order_lists import ListKind, ListStatus, OrderListRow
from exchange.core.orders import OrderRow


class ListedOrder(msgspec.Struct, frozen=True, rename="camel"):
    """One order of a list, by its names."""

    symbol: str
    order_id: int
    client_order_id: str


class QueriedList(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An order list as a query shows it, open or done."""

    order_list_id: int
    contingency_type: str
    list_status_type: str
    list_order_status: str
    list_client_order_id: str
    transaction_time: int
    symbol: str
    orders: list[ListedOrder]


class PlacedList(QueriedList, frozen=True, rename="camel", kw_only=True):
    """An order list as it stood right after it was placed, with each of its orders."""

    order_reports: list[Acknowledged | Placed]


class CancelledList(QueriedList, frozen=True, rename="camel", kw_only=True):
    """A cancelled order list, with each order that was still open."""

    order_reports: list[Cancelled]


class AmendedList(msgspec.Struct, frozen=True, rename="camel"):
    """An order list as it stood right after one of its orders was amended, in the dialect's few words for that."""

    order_list_id: int
    contingency_type: str
    list_order_status: str
    list_client_order_id: str
    symbol: str
    orders: list[ListedOrder]


def contingency(kind: ListKind) -> str:
    """How the dialect calls such a list."""
    return "OCO" if kind == ListKind.OCO else "OTO"


def standing(status: ListStatus) -> tuple[str, str]:
    """The dialect's two words for where a list stands: of the list, and of its orders."""
    return ("EXEC_STARTED", "EXECUTING") if status == ListStatus.EXECUTING else ("ALL_DONE", "ALL_DONE")


def queried_list(market: Market, row: OrderListRow) -> QueriedList:
    """The answer to a query."""
    return QueriedList(**_list(market, row))


def placed_list(market: Market, row: OrderListRow, reports: list[Acknowledged | Placed]) -> PlacedList:
    """The answer to a placed list; `reports` answer for each of its orders."""
    return PlacedList(**_list(market, row), order_reports=reports)


def cancelled_list(market: Market, row: OrderListRow, orders: list[OrderRow], cancel_id: str) -> CancelledList:
    """The answer to a list that the cancel named `cancel_id` ended."""
    reports = [cancelled(market, order, cancel_id) for order in orders]
    return CancelledList(**_list(market, row), order_reports=reports)


def amended_list(market: Market, row: OrderListRow) -> AmendedList:
    """What the answer to an amended order says of its list."""
    words = _list(market, row)
    return AmendedList(**{name: words[name] for name in AmendedList.__struct_fields__})


def _list(market: Market, row: OrderListRow) -> dict[str, Any]:
    of_list, of_orders = standing(row.status)
    return {
        "order_list_id": row.id,
        "contingency_type": contingency(row.kind),
        "list_status_type": of_list,
        "list_order_status": of_orders,
        "list_client_order_id": row.client_id,
        "transaction_time": row.updated // 1000,
        "symbol": market.symbol,
        "orders": [ListedOrder(market.symbol, order, name) for order, name in zip(row.orders, row.names, strict=True)],
    }
