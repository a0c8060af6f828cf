"""`exchange replay`: recorded order flow through sequencer and ledger into a fresh data folder.

One account per recorded order, funded with exactly what the order can cost; bands and limits off. A recorded `cancel`
of what is gone already, and a `create` of nothing, are counted and otherwise ignored, as a venue would refuse them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import trio

from exchange.app import House
from exchange.core import commands as co
from exchange.core.events import AccountOpened, Traded
from exchange.core.listing import MarketPreset, rules_of
from exchange.core.market import Market, MarketPhase
from exchange.core.orders import OrderType, SelfTrade, Side
from exchange.core.performing import Outcome
from exchange.core.units import AccountId, Amount, OrderId, Price, Quantity
from exchange.sequencer import Sequencer

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how far, of how many)."""

TRADE_COLUMNS: Final = ("time_ms", "price_cents", "amount_satoshi", "maker_order_id", "taker_order_id")
_BOOK_COLUMNS: Final = ["order_id", "side", "price_cents", "amount_satoshi"]
_ORDER_COLUMNS: Final = ["time_ms", "action", *_BOOK_COLUMNS]
_IN_FLIGHT: Final = 1_000
_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}


class BadRecording(Exception):
    """A file cannot be replayed; the message names file, line and fault."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One line of a recording: prices in cents, amounts in satoshi. A book's lines have time 0."""

    time: int
    cancels: bool
    order: int
    side: Side
    price: Price
    amount: Quantity


class Replayed(msgspec.Struct, frozen=True):
    """What came of a replay."""

    rows: int
    trades: int
    refused: dict[str, int]


def read_book(path: Path) -> list[Row]:
    """The orders resting at the start, in time priority. Raises `BadRecording`."""
    return [
        _row(path, number, {"time_ms": "0", "action": "create", **line}) for number, line in _lines(path, _BOOK_COLUMNS)
    ]


def read_orders(path: Path) -> list[Row]:
    """The recorded flow, in order. Raises `BadRecording`."""
    return [_row(path, number, line) for number, line in _lines(path, _ORDER_COLUMNS)]


def _lines(path: Path, columns: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != columns:
                raise BadRecording(f"{path}: the first line must be {','.join(columns)}. Nothing was changed.")
            for line in reader:
                yield reader.line_num, line
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadRecording(f"{path}: {error}. Nothing was changed.") from error


def _row(path: Path, number: int, line: dict[str, str]) -> Row:
    try:
        action = line["action"]
        if None in line:
            raise ValueError("too many columns")
        if line["side"] not in _SIDES:
            raise ValueError(f"side {line['side']!r} is neither buy nor sell")
        numbers = [_whole(line[name]) for name in ("time_ms", "order_id", "price_cents", "amount_satoshi")]
        time, order, price, amount = numbers
        if action not in {"create", "cancel"} or min(numbers) < 0 or max(numbers) >= 1 << 53:
            raise ValueError(f"action {action!r} or a number is out of range")
        return Row(time, action == "cancel", order, _SIDES[line["side"]], Price(price), Quantity(amount))
    except ValueError as error:
        raise BadRecording(f"{path}, line {number}: {error}. Nothing was changed.") from error


def _whole(text: str | None) -> int:
    if not text or not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def preset(symbol: str) -> MarketPreset:
    """The recorded venue's market: cents and satoshi, with bands and limits off."""
    return MarketPreset(
        symbol=symbol,
        base="BTC",
        quote="USD",
        tick="0.01",
        lot="0.00000001",
        reference="250.00",
        max_price="1000000",
        max_quantity="100000",
        max_notional="100000000",
        band_up_ppm=0,
        band_down_ppm=0,
        max_orders=1_000_000,
        max_algo_orders=1_000_000,
    )


async def pour(
    sequencer: Sequencer,
    commands: Iterable[co.Command],
    reply: Callable[[int, Outcome], None],
) -> None:
    """Submit `commands` in order, a bounded number of them in flight; `reply` gets each outcome with its number."""
    room = trio.Semaphore(_IN_FLIGHT)
    for number, command in enumerate(commands):
        await room.acquire()

        def done(outcome: Outcome, number: int = number) -> None:
            reply(number, outcome)
            room.release()

        if not sequencer.submit(command, done):
            raise RuntimeError("the sequencer's queue is full or closed; what was acknowledged stands")
    for _ in range(_IN_FLIGHT):
        await room.acquire()


class Replay:
    """One run over one market of a fresh house."""

    def __init__(self, house: House, symbol: str, progress: Progress) -> None:
        """`house` must not have any market yet."""
        self.house = house
        self.symbol = symbol
        self.progress = progress
        self.accounts: dict[int, AccountId] = {}
        self.recorded: dict[OrderId, int] = {}
        self.trades: list[tuple[int, ...]] = []
        self.refused: dict[str, int] = {}

    async def run(self, rows: list[Row]) -> Replayed:
        """Fund and replay `rows`; `trades` then holds what `TRADE_COLUMNS` say."""
        market = await self._list_market()
        placed = [row for row in rows if not row.cancels and row.amount]
        await self._open_accounts(placed)
        await self._fund(placed, market)
        await pour(self.house.sequencer, self._commands(rows, market), lambda n, o: self._answered(rows, n, o))
        return Replayed(len(rows), len(self.trades), self.refused)

    async def _list_market(self) -> Market:
        call = self.house.sequencer.call
        for code, decimals in (("BTC", 8), ("USD", 10)):
            _accepted(await call(co.ListAsset(code, decimals)))
        base, quote = await self.house.sequencer.read(lambda state: tuple(state.assets.values()))
        _accepted(await call(co.ListMarket(rules_of(preset(self.symbol), base, quote), MarketPhase.OPEN)))
        return await self.house.sequencer.read(lambda state: state.books[state.symbols[self.symbol]].rules)

    async def _open_accounts(self, placed: list[Row]) -> None:
        orders = list(dict.fromkeys(row.order for row in placed))

        def opened(number: int, outcome: Outcome) -> None:
            event = _accepted(outcome).events[0]
            assert isinstance(event, AccountOpened)
            self.accounts[orders[number]] = event.account
            self.progress("opening accounts", number + 1, len(orders))

        await pour(self.house.sequencer, (co.OpenAccount(f"order-{order}") for order in orders), opened)

    async def _fund(self, placed: list[Row], market: Market) -> None:
        """Just what each order can cost: price times amount to buy, the amount to sell."""
        grants = [
            co.Credit(
                self.accounts[row.order],
                market.quote if row.side is Side.BUY else market.base,
                Amount(row.price * row.amount * market.unit if row.side is Side.BUY else row.amount * market.lot_atoms),
                f"replay:{number}",
            )
            for number, row in enumerate(placed)
        ]

        def funded(number: int, outcome: Outcome) -> None:
            _accepted(outcome)
            self.progress("funding", number + 1, len(grants))

        await pour(self.house.sequencer, grants, funded)

    def _commands(self, rows: list[Row], market: Market) -> Iterator[co.Command]:
        for row in rows:
            account = self.accounts.get(row.order, AccountId(0))
            if row.cancels:
                yield co.CancelOrder(account, market.id, client_id=str(row.order))
            else:
                yield co.PlaceOrder(
                    account,
                    market.id,
                    row.side,
                    OrderType.LIMIT,
                    row.amount,
                    row.price,
                    client_id=str(row.order),
                    self_trade=SelfTrade.NONE,
                )

    def _answered(self, rows: list[Row], number: int, outcome: Outcome) -> None:
        row = rows[number]
        self.progress("replaying", number + 1, len(rows))
        if outcome.reject is not None:
            self.refused[outcome.reject.name] = self.refused.get(outcome.reject.name, 0) + 1
            return
        if not row.cancels:
            self.recorded[outcome.orders[0].id] = row.order
        for event in outcome.events:
            if isinstance(event, Traded):
                maker = self.recorded[event.maker_order]
                self.trades.append((row.time, event.price, event.quantity, maker, row.order))


def write_trades(path: Path, trades: list[tuple[int, ...]]) -> None:
    """Write the trades as CSV, whole or not at all."""
    scratch = path.with_name(path.name + ".part")
    with scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TRADE_COLUMNS)
        writer.writerows(trades)
    scratch.replace(path)


def _accepted(outcome: Outcome) -> Outcome:
    if outcome.reject is not None:
        raise RuntimeError(f"refused while preparing the replay: {outcome.reject.text}")
    return outcome
