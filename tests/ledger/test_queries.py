"""Queries against the plain truth: the same rows, filtered in Python; and no query walks past what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.core import commands as co
from exchange.core.orders import OrderType, Side
from exchange.core.units import AccountId, MarketId, Micros, OrderId, Price, Quantity, TradeId
from exchange.ledger import db
from exchange.ledger.bars import BarRow
from exchange.ledger.db import LedgerDamaged
from exchange.ledger.journal import Journal
from exchange.ledger.queries import Queries
from exchange.ledger.restore import ORDER_COLUMNS, order_row
from exchange.ledger.rows import AggregateRow, TradeRow
from tests.core.world import ACCOUNTS, furnishing
from tests.ledger import busy

MARKET = MarketId(1)
BIG = 10**6


class Truth:
    """All rows of the busy ledger."""

    def __init__(self, path: Path) -> None:
        connection = db.open_reader(path)
        self.orders = [order_row(row) for row in connection.execute(f"SELECT {ORDER_COLUMNS} FROM orders ORDER BY id")]
        rows = connection.execute("SELECT * FROM trades WHERE market = 1 ORDER BY id")
        self.trades = [msgspec.structs.replace(TradeRow(*row), taker_side=Side(row[7])) for row in rows]
        connection.close()
        times = sorted({trade.time for trade in self.trades})
        self.times = [Micros(0), times[0], times[len(times) // 2], Micros(times[len(times) // 2] + 1), times[-1]]
        self.times.append(Micros(times[-1] + 1))


@pytest.fixture(scope="module")
def truth(busy_ledger: Path) -> Truth:
    return Truth(busy_ledger)


@pytest.fixture
def queries(busy_ledger: Path) -> Iterator[Queries]:
    opened = Queries(busy_ledger)
    yield opened
    opened.close()


def test_trades_by_time_are_found_by_bisection(truth: Truth, queries: Queries) -> None:
    """Both ends inclusive, before the first and after the last too."""
    assert len(truth.trades) > 20
    for start in truth.times:
        for end in truth.times:
            found = queries.trades(MARKET, start=start, end=end, limit=BIG)
            assert found == [trade for trade in truth.trades if start <= trade.time <= end]


def test_trades_are_paged_from_an_id_and_back_from_an_id(truth: Truth, queries: Queries) -> None:
    """Always ascending; without a place to begin, the newest."""
    trades = truth.trades
    assert queries.trades(MARKET, limit=7) == trades[-7:]
    assert queries.trades(MARKET, from_id=TradeId(3), limit=4) == trades[2:6]
    assert queries.trades(MARKET, before_id=TradeId(9), limit=4) == trades[4:8]
    assert queries.trades(MARKET, from_id=TradeId(BIG)) == []
    paged, at = [], TradeId(0)
    while page := queries.trades(MARKET, from_id=at, limit=3):
        paged += page
        at = TradeId(page[-1].id + 1)
    assert paged == trades


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_accounts_trades_are_all_its_own_and_each_once(truth: Truth, queries: Queries, account: AccountId) -> None:
    """As maker, as taker, and a trade with itself."""
    mine = [trade for trade in truth.trades if account in {trade.maker, trade.taker}]
    assert queries.account_trades(account, MARKET, limit=BIG) == mine
    assert queries.account_trades(account, MARKET, limit=3) == mine[-3:]
    assert queries.account_trades(account, MARKET, from_id=mine[1].id, limit=3) == mine[1:4]
    for start in truth.times:
        end = truth.times[3]
        found = queries.account_trades(account, MARKET, start=start, end=end, limit=BIG)
        assert found == [trade for trade in mine if start <= trade.time <= end]


def test_somebody_traded_with_himself(truth: Truth) -> None:
    """Else the test above would claim too much."""
    assert any(trade.maker == trade.taker for trade in truth.trades)


def test_an_orders_trades_are_found_by_its_id(truth: Truth, queries: Queries) -> None:
    """Of its own account only; an order without trades, or no order, has none."""
    for order in truth.orders:
        mine = [trade for trade in truth.trades if order.id in {trade.maker_order, trade.taker_order}]
        found = queries.account_trades(order.account, MARKET, order_id=order.id, limit=BIG)
        assert found == (mine if order.market == MARKET else [])
        assert queries.account_trades(AccountId(order.account + 50), MARKET, order_id=order.id) == []
    assert queries.account_trades(ACCOUNTS[0], MARKET, order_id=OrderId(BIG)) == []


def test_an_order_is_found_by_id_by_client_id_and_only_by_its_owner(truth: Truth, queries: Queries) -> None:
    """Of several with one client id the newest; given both names, both must fit."""
    newest = {(order.account, order.market, order.client_id): order for order in truth.orders if order.client_id}
    for (account, market, client_id), order in newest.items():
        assert queries.order(account, market, client_id=client_id) == order
        assert queries.order(account, market, order.id, client_id) == order
        assert queries.order(account, market, order.id, "another") is None
        assert queries.order(AccountId(account + 50), market, client_id=client_id) is None
    for order in truth.orders:
        assert queries.order(order.account, order.market, order.id) == order
        assert queries.order(order.account, MarketId(3 - order.market), order.id) is None
        assert queries.order(AccountId(order.account + 50), order.market, order.id) is None
    assert queries.order(ACCOUNTS[0], MARKET, OrderId(BIG)) is None


@pytest.mark.parametrize("account", ACCOUNTS)
def test_orders_are_paged_by_id_and_by_time(truth: Truth, queries: Queries, account: AccountId) -> None:
    """Ascending; without a place to begin, the newest."""
    mine = [order for order in truth.orders if (order.account, order.market) == (account, MARKET)]
    assert queries.orders(account, MARKET, limit=5) == mine[-5:]
    assert queries.orders(account, MARKET, from_id=mine[2].id, limit=4) == mine[2:6]
    assert queries.orders(account, MARKET, from_id=OrderId(0), limit=4) == mine[:4]
    for start in truth.times:
        for end in truth.times:
            found = queries.orders(account, MARKET, start=start, end=end, limit=BIG)
            assert found == [order for order in mine if start <= order.created <= end]
    end = truth.times[2]
    assert queries.orders(account, MARKET, end=end, limit=3) == [one for one in mine if one.created <= end][-3:]


def test_aggregates_add_up_the_fills_of_one_taker_at_one_price(truth: Truth, queries: Queries) -> None:
    """From the first to the last, paged and by time."""
    runs: dict[int, list[TradeRow]] = {}
    for trade in truth.trades:
        runs.setdefault(trade.aggregate, []).append(trade)
    expected = [
        AggregateRow(
            number,
            run[0].price,
            sum(trade.quantity for trade in run),  # type: ignore[arg-type]
            run[0].id,
            run[-1].id,
            run[0].time,
            run[0].taker_side,
        )
        for number, run in sorted(runs.items())
    ]
    assert any(len(run) > 1 for run in runs.values())
    assert all(len({(trade.price, trade.taker_order) for trade in run}) == 1 for run in runs.values())
    assert queries.aggregates(MARKET, limit=BIG) == expected
    assert queries.aggregates(MARKET, limit=4) == expected[-4:]
    assert queries.aggregates(MARKET, from_id=3, limit=4) == expected[2:6]
    for start in truth.times:
        found = queries.aggregates(MARKET, start=start, end=truth.times[3], limit=BIG)
        assert found == [one for one in expected if start <= one.time <= truth.times[3]]


def test_bars_are_the_trades_of_their_minutes(truth: Truth, queries: Queries) -> None:
    """Open, high, low, close and all sums; a minute without trades has none."""
    minutes: dict[int, list[TradeRow]] = {}
    for trade in truth.trades:
        minutes.setdefault(trade.time // 60_000_000, []).append(trade)
    expected = []
    for minute, trades in sorted(minutes.items()):
        prices = [trade.price for trade in trades]
        bought = [trade for trade in trades if trade.taker_side is Side.BUY]
        quantities = (sum(trade.quantity for trade in trades), sum(trade.notional for trade in trades), len(trades))
        taken = (sum(trade.quantity for trade in bought), sum(trade.notional for trade in bought))
        ends = (prices[0], max(prices), min(prices), prices[-1])
        expected.append(BarRow(MARKET, minute, *ends, *quantities, *taken, trades[0].id, trades[-1].id))
    assert len(expected) > 3
    first, last = expected[0].minute, expected[-1].minute
    assert queries.bars(MARKET, 0, last + 1) == expected
    assert queries.bars(MARKET, first + 1, last) == expected[1:-1]
    assert queries.bars(MARKET, first, last + 1, 2) == expected[:2]
    assert queries.newest_bar_before(MARKET, last) == expected[-2]
    assert queries.newest_bar_before(MARKET, first) is None


def test_every_query_is_answered_from_an_index(queries: Queries) -> None:
    """One question at a time is answered, so none may read a whole table, or sort one."""
    connection = queries._connection
    asked: list[tuple[str, Any]] = []

    def trace(_: object, sql: str, args: object) -> bool:
        asked.append((sql, args))
        return True

    connection.exec_trace = trace
    account, time = ACCOUNTS[0], Micros(1)
    queries.order(account, MARKET, client_id="a")
    queries.orders(account, MARKET)
    queries.orders(account, MARKET, from_id=OrderId(1), start=time, end=time)
    queries.trades(MARKET)
    queries.trades(MARKET, start=time, end=time)
    queries.account_trades(account, MARKET)
    queries.account_trades(account, MARKET, order_id=OrderId(1), start=time)
    queries.aggregates(MARKET)
    queries.aggregates(MARKET, start=time)
    queries.bars(MARKET, 0, 1)
    queries.newest_bar_before(MARKET, 1)
    connection.exec_trace = None
    for sql, args in asked:
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", args)]
        assert all(step.startswith("SEARCH") for step in plan), (sql, plan)
        by_owner = "account = ?" in sql or "maker = ?" in sql or "taker = ?" in sql
        if by_owner:
            assert "INDEX " in plan[0] or "PRIMARY KEY (rowid=?)" in plan[0], (sql, plan)


def test_aggregates_of_a_short_time_do_not_walk_through_all_others(tmp_path: Path) -> None:
    """Anybody may ask for them, so what they cost must not grow with the history."""
    path = tmp_path / "ledger.db"
    Journal(path).close()
    trades = [(1, n, n, n * 1_000, 100, 1, 100, 1, n, n, 100, 101, 0, 0, n) for n in range(1, 20_001)]
    busy.tamper(path, "INSERT INTO trades VALUES " + ", ".join(map(str, trades)))
    queries = Queries(path)
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    queries._connection.set_progress_handler(count, 100)
    start, end = Micros(19_990_000), Micros(10_000)
    assert [row.id for row in queries.aggregates(MARKET, start=start, limit=3)] == [19_990, 19_991, 19_992]
    assert [row.id for row in queries.aggregates(MARKET, end=end, limit=3)] == [8, 9, 10]
    assert [row.id for row in queries.aggregates(MARKET, start=start, end=start)] == [19_990]
    assert queries.aggregates(MARKET, start=Micros(20_001_000)) == []
    assert steps < 50
    queries.close()


async def test_queries_see_what_is_committed_and_nothing_else(tmp_path: Path) -> None:
    """Beside a writer, in a worker thread."""
    path = tmp_path / "ledger.db"
    async with busy.sequencing(path) as sequencer:
        await busy.pour(sequencer, furnishing())
        beside = Queries(path)
        order = co.PlaceOrder(ACCOUNTS[0], MARKET, Side.BUY, OrderType.LIMIT, Quantity(10), Price(99), client_id="mine")
        outcome = await sequencer.call(order)
        found = await beside.run(lambda: beside.order(ACCOUNTS[0], MARKET, client_id="mine"))
        assert found == outcome.orders[0]
        beside.close()


def test_no_ledger_is_refused(tmp_path: Path) -> None:
    """And none is made."""
    with pytest.raises(LedgerDamaged, match="there is no ledger here"):
        Queries(tmp_path / "ledger.db")
    assert list(tmp_path.iterdir()) == []
