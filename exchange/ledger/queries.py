"""Reading what is committed: orders, trades, aggregates and bars. Every answer is bounded by its `limit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import trio

from exchange.core.events import MarketPhaseSet
from exchange.core.order_lists import OrderListRow
from exchange.core.orders import OrderRow, SelfTrade, Side
from exchange.core.units import AccountId, ListId, MarketId, Micros, OrderId, TradeId
from exchange.ledger import db
from exchange.ledger.activity import Done, deeds_since
from exchange.ledger.bars import BarRow
from exchange.ledger.journal import DECODER
from exchange.ledger.restore import LIST_COLUMNS, ORDER_COLUMNS, list_row, order_row
from exchange.ledger.rows import AggregateRow, AmendmentRow, PreventedRow, Row, TradeRow
from exchange.ledger.seeking import first_list_at, first_order_at, first_trade_at

T = TypeVar("T")

_TRADE_COLUMNS: Final = ", ".join(TradeRow.__struct_fields__)
_PREVENTED_COLUMNS: Final = ", ".join(PreventedRow.__struct_fields__)
_AMENDMENT_COLUMNS: Final = ", ".join(AmendmentRow.__struct_fields__)
_BAR_COLUMNS: Final = ", ".join(BarRow.__struct_fields__)
_MAX_ID: Final = 1 << 62
_NEWEST_COMMITS: Final = 10_000
"""Something rare is looked for in so many: it takes a fraction of a second."""


class Queries:
    """A read-only view of the ledger, one question at a time."""

    def __init__(self, path: Path) -> None:
        """Open the ledger at `path`; raises `LedgerDamaged` when there is none."""
        self._connection = db.open_reader(path)
        self._turn = trio.CapacityLimiter(1)

    async def run(self, question: Callable[[], T]) -> T:
        """Ask in a worker thread: `await queries.run(lambda: queries.order(...))`."""
        return await trio.to_thread.run_sync(question, limiter=self._turn)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def order(
        self,
        account: AccountId,
        market: MarketId,
        order_id: OrderId = OrderId(0),  # noqa: B008
        client_id: str = "",
    ) -> OrderRow | None:
        """The account's order of that id, or the newest with that client id, open or closed."""
        if order_id:
            where, args = "WHERE id = ? AND account = ? AND market = ?", (order_id, account, market)
            if client_id:
                where, args = where + " AND client_id = ?", (*args, client_id)  # type: ignore[assignment]
        else:
            where = "INDEXED BY orders_by_client WHERE account = ? AND client_id = ? AND market = ?"
            args = (account, client_id, market)  # type: ignore[assignment]
        rows = self._orders(f"{where} ORDER BY id DESC LIMIT 1", args)
        return rows[0] if rows else None

    def orders(
        self,
        account: AccountId,
        market: MarketId,
        from_id: OrderId | None = None,
        start: Micros | None = None,
        end: Micros | None = None,
        limit: int = 500,
    ) -> list[OrderRow]:
        """Orders by ascending id: from `from_id` or `start` on, else the newest `limit`; `start`, `end` inclusive."""
        low = max(from_id or 0, 0 if start is None else first_order_at(self._connection, start))
        high = _MAX_ID if end is None else first_order_at(self._connection, Micros(end + 1))
        where = "INDEXED BY orders_by_account WHERE account = ? AND market = ? AND id >= ? AND id < ?"
        args = (account, market, low, high)
        if from_id is None and start is None:
            return self._orders(f"{where} ORDER BY id DESC LIMIT ?", (*args, limit))[::-1]
        return self._orders(f"{where} ORDER BY id LIMIT ?", (*args, limit))

    def order_list(self, account: AccountId, number: ListId, client_id: str) -> OrderListRow | None:
        """The account's order list of that id (0: any) and client id ("": any), the newest of several."""
        if number:
            where, args = "WHERE id = ? AND account = ?", (number, account)
            if client_id:
                where, args = where + " AND client_id = ?", (*args, client_id)  # type: ignore[assignment]
        else:
            where, args = "INDEXED BY order_lists_by_client WHERE account = ? AND client_id = ?", (account, client_id)  # type: ignore[assignment]
        rows = self._lists(f"{where} ORDER BY id DESC LIMIT 1", args)
        return rows[0] if rows else None

    def order_lists(
        self,
        account: AccountId,
        from_id: ListId | None = None,
        start: Micros | None = None,
        end: Micros | None = None,
        limit: int = 500,
    ) -> list[OrderListRow]:
        """Order lists by ascending id: from `from_id` or `start` on, else the newest `limit`; bounds inclusive."""
        low = max(from_id or 0, 0 if start is None else first_list_at(self._connection, start))
        high = _MAX_ID if end is None else first_list_at(self._connection, Micros(end + 1))
        where = "INDEXED BY order_lists_by_account WHERE account = ? AND id >= ? AND id < ?"
        args = (account, low, high)
        if from_id is None and start is None:
            return self._lists(f"{where} ORDER BY id DESC LIMIT ?", (*args, limit))[::-1]
        return self._lists(f"{where} ORDER BY id LIMIT ?", (*args, limit))

    def lists_of(self, orders: Iterable[OrderId]) -> dict[OrderId, ListId]:
        """Which list each of these orders belongs to, those that belong to none left out. At most 2,000 orders."""
        wanted = tuple(orders)
        places = ", ".join("?" * len(wanted))
        statement = f"SELECT id, order_list FROM orders WHERE id IN ({places}) AND order_list"
        return dict(self._connection.execute(statement, wanted))

    def prevented_matches(
        self,
        account: AccountId,
        market: MarketId,
        match: int | None = None,
        order_id: OrderId | None = None,
        from_id: int = 0,
        limit: int = 500,
    ) -> list[PreventedRow]:
        """The account's prevented matches by ascending id: that of number `match`, or those of an order."""
        select = f"SELECT {_PREVENTED_COLUMNS} FROM prevented_matches"
        found: dict[int, PreventedRow] = {}
        roles = ("id",) if match is not None else ("maker_order", "taker_order")
        for role in roles:
            where = f"WHERE {role} = ? AND market = ? AND account = ? AND id >= ? ORDER BY id LIMIT ?"
            args = (order_id if match is None else match, market, account, from_id, limit)
            for row in self._connection.execute(f"{select} {where}", args):
                found[row[2]] = PreventedRow(*row)
        rows = [found[number] for number in sorted(found)[:limit]]
        return [msgspec.structs.replace(row, mode=SelfTrade(row.mode)) for row in rows]

    def amendments(self, order_id: OrderId, from_seq: int = 0, limit: int = 500) -> list[AmendmentRow]:
        """How an order was made smaller, from event `from_seq` on."""
        rows = self._connection.execute(
            f"SELECT {_AMENDMENT_COLUMNS} FROM amendments WHERE order_id = ? AND seq >= ? ORDER BY seq LIMIT ?",
            (order_id, from_seq, limit),
        )
        return [AmendmentRow(*row) for row in rows]

    def last_phase(self, market: MarketId) -> MarketPhaseSet | None:
        """The market's last change of phase, if it was among the newest commits."""
        blobs = self._connection.execute(
            "SELECT events FROM journal ORDER BY first_seq DESC LIMIT ?", (_NEWEST_COMMITS,)
        )
        for (blob,) in blobs:
            for event in reversed(DECODER.decode(blob)):
                if isinstance(event, MarketPhaseSet) and event.market == market:
                    return event
        return None

    def trades(
        self,
        market: MarketId,
        from_id: TradeId | None = None,
        before_id: TradeId | None = None,
        start: Micros | None = None,
        end: Micros | None = None,
        limit: int = 500,
    ) -> list[TradeRow]:
        """Trades by ascending id: from `from_id` or `start` on, else the newest `limit` before `before_id`."""
        low = max(from_id or 0, 0 if start is None else first_trade_at(self._connection, market, start))
        high = _MAX_ID if before_id is None else before_id
        if end is not None:
            high = min(high, first_trade_at(self._connection, market, Micros(end + 1)))
        newest_first = from_id is None and start is None
        order = "DESC" if newest_first else "ASC"
        rows = self._trades(
            f"WHERE market = ? AND id >= ? AND id < ? ORDER BY id {order} LIMIT ?", (market, low, high, limit)
        )
        return rows[::-1] if newest_first else rows

    def account_trades(
        self,
        account: AccountId,
        market: MarketId,
        order_id: OrderId | None = None,
        from_id: TradeId | None = None,
        start: Micros | None = None,
        end: Micros | None = None,
        limit: int = 500,
    ) -> list[TradeRow]:
        """The account's trades by ascending id: from `from_id` or `start` on, else the newest `limit`.

        A trade with itself appears once.
        """
        low = max(from_id or 0, 0 if start is None else first_trade_at(self._connection, market, start))
        high = _MAX_ID if end is None else first_trade_at(self._connection, market, Micros(end + 1))
        if order_id is not None:
            first, beyond = self._trades_of(market, order_id)
            low, high = max(low, first), min(high, beyond)
        newest_first = from_id is None and start is None
        order = "DESC" if newest_first else "ASC"
        found: dict[TradeId, TradeRow] = {}
        for role in ("maker", "taker"):
            where = f"INDEXED BY trades_by_{role} WHERE {role} = ? AND market = ? AND id >= ? AND id < ?"
            args: Row = (account, market, low, high)
            if order_id is not None:
                where, args = f"{where} AND {role}_order = ?", (*args, order_id)
            for trade in self._trades(f"{where} ORDER BY id {order} LIMIT ?", (*args, limit)):
                found[trade.id] = trade
        rows = [found[number] for number in sorted(found, reverse=newest_first)[:limit]]
        return rows[::-1] if newest_first else rows

    def aggregates(
        self,
        market: MarketId,
        from_id: int | None = None,
        start: Micros | None = None,
        end: Micros | None = None,
        limit: int = 500,
    ) -> list[AggregateRow]:
        """Aggregated trades by ascending id: from `from_id` or `start` on, else the newest `limit`."""
        low = 0 if start is None else first_trade_at(self._connection, market, start)
        high = _MAX_ID if end is None else first_trade_at(self._connection, market, Micros(end + 1))
        newest_first = from_id is None and start is None
        order = "DESC" if newest_first else "ASC"
        lowest = max(from_id or 0, 0 if start is None else self._aggregate_of(market, low))
        beyond = _MAX_ID if end is None else self._aggregate_of(market, high)
        rows = self._connection.execute(
            "SELECT aggregate, min(price), sum(quantity), min(id), max(id), min(time), min(taker_side) FROM trades"
            " WHERE market = ? AND aggregate >= ? AND aggregate < ?"
            f" GROUP BY aggregate ORDER BY aggregate {order} LIMIT ?",
            (market, lowest, beyond, limit),
        )
        found = [
            AggregateRow(number, price, quantity, first, last, time, Side(side))
            for number, price, quantity, first, last, time, side in rows
        ]
        return found[::-1] if newest_first else found

    def _aggregate_of(self, market: MarketId, trade: int) -> int:
        """The run of fills that a trade belongs to, or beyond all there are when there is no such trade yet.

        Fills of one run have one time: where a stretch of time begins or ends, no run is cut in two.
        """
        row = self._connection.execute("SELECT aggregate FROM trades WHERE market = ? AND id = ?", (market, trade))
        return int(next(row, (_MAX_ID,))[0])

    def bars(self, market: MarketId, start_minute: int, end_minute: int, limit: int = 1_000) -> list[BarRow]:
        """One-minute bars from `start_minute` up to and without `end_minute`; only minutes that had trades."""
        rows = self._connection.execute(
            f"SELECT {_BAR_COLUMNS} FROM bars WHERE market = ? AND minute >= ? AND minute < ? ORDER BY minute LIMIT ?",
            (market, start_minute, end_minute, limit),
        )
        return [BarRow(*row) for row in rows]

    def newest_bar_before(self, market: MarketId, minute: int) -> BarRow | None:
        """The last one-minute bar before `minute`, or None."""
        row = self._connection.execute(
            f"SELECT {_BAR_COLUMNS} FROM bars WHERE market = ? AND minute < ? ORDER BY minute DESC LIMIT 1",
            (market, minute),
        ).fetchone()
        return BarRow(*row) if row is not None else None

    def deeds_since(self, markets: Iterable[MarketId], start: Micros) -> Iterator[Done]:
        """Orders placed, and first trades of orders, of all accounts from `start` on. To be read at once."""
        return deeds_since(self._connection, markets, start)

    def _trades_of(self, market: MarketId, order_id: OrderId) -> tuple[int, int]:
        """All trades of an order lie from the first id up to, and without, the second."""
        times = self._connection.execute("SELECT created, updated FROM orders WHERE id = ?", (order_id,)).fetchone()
        if times is None:
            return 0, 0
        created, updated = times
        ledger = self._connection
        return first_trade_at(ledger, market, created), first_trade_at(ledger, market, Micros(updated + 1))

    def _orders(self, tail: str, args: Row) -> list[OrderRow]:
        rows = self._connection.execute(f"SELECT {ORDER_COLUMNS} FROM orders {tail}", args)
        return [order_row(row) for row in rows]

    def _lists(self, tail: str, args: Row) -> list[OrderListRow]:
        rows = self._connection.execute(f"SELECT {LIST_COLUMNS} FROM order_lists {tail}", args)
        return [list_row(row) for row in rows]

    def _trades(self, tail: str, args: Row) -> list[TradeRow]:
        rows = self._connection.execute(f"SELECT {_TRADE_COLUMNS} FROM trades {tail}", args)
        found = [TradeRow(*row) for row in rows]
        return [msgspec.structs.replace(trade, taker_side=Side(trade.taker_side)) for trade in found]
