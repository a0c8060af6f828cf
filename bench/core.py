"""The core alone: the whole `perform` (decide and evolve, every feature in), and the book alone, per second.

Each runs the operations of `workload` from an empty book. For the core they come as commands made batch by batch
outside the measured time, as a door would make them; changes and touched levels are taken after each batch, as the
sequencer takes them. Beside them, in the same run, the plain book of `plain_book` does the same operations.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench import workload
from bench.figures import Figure, best_of
from bench.plain_book import PlainBook
from exchange.core import audit
from exchange.core import commands as co
from exchange.core.book import Book
from exchange.core.deciding import DECIDE
from exchange.core.evolving import evolve
from exchange.core.market import Market, MarketPhase
from exchange.core.matching import walk
from exchange.core.orders import GTC, IOC, LIMIT, NEW, Order, SelfTrade, Side
from exchange.core.performing import perform
from exchange.core.state import Account, State
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Micros, Ppm, Price, Quantity, Seq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.workload import Operation

SIZE: Final = 1_000_000
BATCH: Final = 100
TRIES: Final = 3
MARKET: Final = MarketId(1)
RULES: Final = Market(
    id=MARKET,
    symbol="BTCUSDT",
    base=AssetId(1),
    quote=AssetId(2),
    base_decimals=8,
    quote_decimals=8,
    tick_atoms=10**6,
    lot_atoms=1_000,
    unit=10,
    min_price=Price(1),
    max_price=Price(100_000_000),
    min_quantity=Quantity(1),
    max_quantity=Quantity(900_000_000),
    max_market_quantity=Quantity(900_000_000),
    min_notional=Amount(10**4),
    max_notional=Amount(9 * 10**14),
    maker_fee=Ppm(1_000),
    taker_fee=Ppm(1_000),
    reference=Price(workload.MIDDLE),
)
_SIDES: Final = (Side.BUY, Side.BUY, Side.SELL)
_ALLOWED: Final = SelfTrade.NONE


def measure(scale: float) -> Iterator[Figure]:
    """Operations per second of the core, of its book, and of the plain book; and the ratios between them."""
    load = workload.make(max(BATCH, int(SIZE * scale)))
    operations, size = load.operations, len(load.operations)
    tries = [_one_try(operations) for _ in range(TRIES)]
    plain, book, rules, core = (size / min(seconds) for seconds in zip(*tries, strict=True))
    yield Figure("operations", size, "")
    yield Figure("fills per crossing order", load.fills / load.kinds[workload.CROSS], "")
    yield Figure("core, decide and evolve, all features", rules, "/s", 160_000)
    yield Figure("core, perform: with the rows that replies are made of", core, "/s")
    yield Figure("book alone, with depth", book, "/s", 700_000)
    yield Figure("plain-Python book, the peer", plain, "/s")
    yield Figure("core: times the plain book's time", plain / rules, "x")
    yield Figure("book: times the plain book's time", plain / book, "x")


def _one_try(operations: Sequence[Operation]) -> tuple[float, float, float, float]:
    """Seconds of the plain book, the book and the core, one right after the other: a noisy minute meets them all."""
    return (
        best_of(1, lambda: lambda: plain_alone(operations)),
        best_of(1, lambda: lambda: book_alone(operations)),
        whole_core(operations, decided),
        whole_core(operations, performed),
    )


def furnished() -> State:
    """An exchange with one open market and traders who can afford everything."""
    state = State()
    furnish(state)
    state.take_changes()
    return state


def furnish(state: State) -> None:
    """List and open the market, open the accounts and credit them."""
    _do(state, co.ListAsset("BTC", 8))
    _do(state, co.ListAsset("USDT", 8))
    _do(state, co.ListMarket(RULES, MarketPhase.OPEN))
    for number in range(workload.ACCOUNTS):
        account = AccountId(workload.FIRST_ACCOUNT + number)
        _do(state, co.OpenAccount(f"trader {number}"))
        _do(state, co.Credit(account, AssetId(1), Amount(10**14), f"base {number}"))
        _do(state, co.Credit(account, AssetId(2), Amount(10**16), f"quote {number}"))


def _do(state: State, command: co.Command) -> None:
    outcome = perform(state, Micros(1), command)
    assert outcome.reject is None, (command, outcome.reject)


def commands(operations: Sequence[Operation]) -> list[co.PlaceOrder | co.CancelOrder]:
    """The operations as a door would hand them over. Crossing orders are immediate-or-cancel."""
    made: list[co.PlaceOrder | co.CancelOrder] = []
    for kind, order, account, side, price, quantity in operations:
        if kind == workload.CANCEL:
            made.append(co.CancelOrder(account, MARKET, order))
            continue
        force, name = IOC if kind == workload.CROSS else GTC, f"c{order}"
        made.append(
            co.PlaceOrder(account, MARKET, _SIDES[side], LIMIT, quantity, price, force, name, self_trade=_ALLOWED)
        )
    return made


def decided(state: State, now: Micros, batch: Sequence[co.PlaceOrder | co.CancelOrder]) -> None:
    """Decide each command and let its events happen; none may be refused."""
    for command in batch:
        events = DECIDE[type(command)](state, now, command)
        assert type(events) is list, events
        for event in events:
            evolve(state, event)


def performed(state: State, now: Micros, batch: Sequence[co.PlaceOrder | co.CancelOrder]) -> None:
    """The same as the sequencer does it, outcomes included."""
    for command in batch:
        assert perform(state, now, command).reject is None


def whole_core(
    operations: Sequence[Operation],
    way: Callable[[State, Micros, Sequence[co.PlaceOrder | co.CancelOrder]], None],
) -> float:
    """Processor seconds that the core takes for the operations, batch by batch; none may be refused."""
    state = furnished()
    spent = 0.0

    def run() -> None:
        nonlocal spent
        for start in range(0, len(operations), BATCH):
            batch = commands(operations[start : start + BATCH])
            now = Micros(start)
            begun = time.process_time()
            way(state, now, batch)
            state.take_changes()
            state.books[MARKET].touched.clear()
            spent += time.process_time() - begun

    best_of(1, lambda: run)
    assert not list(audit.violations(state))
    return spent


def book_alone(operations: Sequence[Operation]) -> Book:
    """The operations on `Book` and a dict of orders, without accounts, events or rules."""
    book, orders = Book(RULES, MarketPhase.OPEN), {}
    zero, start = Amount(0), Micros(0)
    owner = Account(AccountId(workload.FIRST_ACCOUNT), "nobody", 0, False, 0, start, {}, {})
    for kind, number, account, side, price, quantity in operations:
        if kind == workload.ADD:
            order = orders[number] = Order(
                owner,
                number,
                account,
                MARKET,
                _SIDES[side],
                LIMIT,
                GTC,
                _ALLOWED,
                NEW,
                price,
                Price(0),
                quantity,
                Quantity(0),
                zero,
                zero,
                zero,
                True,
                Seq(0),
                start,
                start,
                "",
            )
            book.add(order)
        elif kind == workload.CANCEL:
            book.remove(orders.pop(number))
        else:
            half, limit = (book.asks, price) if side == 1 else (book.bids, -price)
            for maker, lots in walk(half, limit, quantity, account, _ALLOWED).steps:
                maker.filled += lots  # type: ignore[assignment]
                book.reduce(maker, lots)
                if maker.filled == maker.quantity:
                    del orders[maker.id]
        if len(book.touched) > BATCH:
            book.touched.clear()
    return book


def plain_alone(operations: Sequence[Operation]) -> PlainBook:
    """The operations on the plain book."""
    book = PlainBook()
    for kind, order, _, side, price, quantity in operations:
        if kind == workload.ADD:
            book.add(order, side, price, quantity)
        elif kind == workload.CANCEL:
            book.cancel(order)
        else:
            book.cross(side, price, quantity)
    return book
