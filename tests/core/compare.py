"""What there is to compare: a state as plain values, and what happened in the words of the naive twin."""

import hashlib
from collections.abc import Iterable

import msgspec

from exchange.core.book import Book, BookSide
from exchange.core.events import (
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderAmended,
    OrderEnded,
    OrderListDone,
    OrderListPlaced,
    OrderReleased,
    OrderTriggered,
    Traded,
)
from exchange.core.orders import Side
from exchange.core.performing import Outcome
from exchange.core.postings import CUSTODY, FEES
from exchange.core.state import Account, State
from exchange.core.units import AccountId, AssetId, MarketId
from tests.core.naive import Line, Naive

Plain = dict[str, object]


def fingerprint(state: State) -> Plain:
    """Everything that `state` knows (but not `changes`, which are on their way to the disk) as plain values."""
    return {
        "seq": state.seq,
        "assets": dict(state.assets),
        "books": {number: _book(book) for number, book in state.books.items()},
        "symbols": dict(state.symbols),
        "accounts": {number: _account(account) for number, account in state.accounts.items()},
        "names": dict(state.names),
        "balances": {key: amount for key, amount in sorted(state.balances.items()) if amount},
        "orders": {number: order.row() for number, order in sorted(state.orders.items())},
        "lists": {number: one.row() for number, one in sorted(state.lists.items())},
        "deposits": {key: msgspec.to_builtins(deposit) for key, deposit in state.deposits.items()},
        "withdrawals": {key: msgspec.to_builtins(move) for key, move in state.withdrawals.items()},
        "references": sorted(state.references),
        "networks": sorted(state.networks.items()),
        "tier_limits": sorted(state.tier_limits.items()),
        "payouts_shut": sorted(state.payouts_shut.items()),
        "costs": sorted(state.costs.items()),
        "epoch": state.epoch,
        "keys": sorted((name, msgspec.structs.astuple(used)) for name, used in state.keys._by_name.items()),
        "countdowns": sorted(state.countdowns.items()),
        "sessions": sorted((name, msgspec.structs.astuple(armed)) for name, armed in state.sessions.items()),
        "next_order": state.next_order,
        "next_list": state.next_list,
        "next_account": state.next_account,
    }


def digest(state: State) -> str:
    """The fingerprint in 64 characters."""
    return hashlib.sha256(repr(fingerprint(state)).encode()).hexdigest()


def _account(account: Account) -> Plain:
    return {
        "row": (account.id, account.name, account.tier, account.frozen, account.seq, account.created),
        "by_client": dict(sorted(account.open_by_client.items())),
        "by_market": {market: sorted(orders) for market, orders in account.open_by_market.items() if orders},
        "lists": sorted(account.open_lists),
        "withdrawals": sorted(account.withdrawals),
    }


def _book(book: Book) -> Plain:
    triggers = book.triggers
    return {
        "rules": book.rules,
        "phase": book.phase,
        "last_price": book.last_price,
        "counters": (book.next_trade, book.next_aggregate, book.next_match),
        "fees": (book.fees, dict(book.tier_fees)),
        "bids": _half(book.bids),
        "asks": _half(book.asks),
        "due_lists": list(book.due_lists),
        "expected": dict(triggers._expected),
        "asleep": [[one[:2] for one in waiting] for waiting in (triggers._rising, triggers._falling)],
        "trailing": (triggers.highest.shown(), triggers.lowest.shown()),
        "due": [order for order in triggers._queue if order in triggers._due],
    }


def _half(half: BookSide) -> list[object]:
    levels: list[object] = []
    for level in half:
        queue, order = [], level.first
        while order is not None:
            queue.append((order.id, order.quantity - order.filled, order.shown))
            order = order.behind
        levels.append((level.price, level.quantity, level.count, level.icebergs, queue))
    return levels


def happened(events: Iterable[Event]) -> list[Line]:
    """Events in the words of the twin; it does not speak of what its book shows anyway."""
    lines: list[Line] = []
    for event in events:
        if isinstance(event, Traded):
            fees = (event.maker_fee, event.taker_fee)
            fill = (event.price, event.quantity, event.notional)
            lines.append(("trade", event.maker_order, event.taker_order, *fill, *fees))
        elif isinstance(event, OrderEnded):
            lines.append(("ended", event.order, event.status.name))
        elif isinstance(event, MatchPrevented):
            lost = (event.maker_lots, event.taker_lots)
            lines.append(("prevented", event.match, event.maker_order, event.taker_order, event.price, *lost))
        elif isinstance(event, OrderAmended):
            lines.append(("amended", event.order, event.quantity, event.client_id))
        elif isinstance(event, OrderAccepted):
            lines.append(("accepted", event.order))
        elif isinstance(event, OrderTriggered):
            lines.append(("woke", event.order))
        elif isinstance(event, OrderReleased):
            lines.append(("released", event.order))
        elif isinstance(event, OrderListPlaced):
            lines.append(("listed", event.list))
        elif isinstance(event, OrderListDone):
            lines.append(("done", event.list))
    return lines


def answered(outcome: Outcome, woken: Iterable[Event]) -> tuple[str | None, list[Line]]:
    """An outcome, and the events of those it woke, as the twin would answer."""
    lines = happened(outcome.events)
    if outcome.replaced is not None:
        second = outcome.replaced
        lines += [("then", second.reject.name if second.reject else None), *happened(second.events)]
    return (outcome.reject.name if outcome.reject else None), lines + happened(woken)


def book_of(state: State, market: int, side: Side) -> list[tuple[int, int, int, int]]:
    """(price, order, lots left, lots to see) of all that rests on one side, in order of priority."""
    book = state.books[MarketId(market)]
    rows: list[tuple[int, int, int, int]] = []
    for level in book.bids if side == Side.BUY else book.asks:
        order = level.first
        while order is not None:
            left = order.quantity - order.filled
            rows.append((order.price, order.id, left, order.shown if order.iceberg else left))
            order = order.behind
    return rows


def seen(state: State, market: int, side: Side) -> list[tuple[int, int]]:
    """(price, quantity) of each level of one side, as everybody sees them."""
    book = state.books[MarketId(market)]
    return [(level.price, level.quantity) for level in (book.bids if side == Side.BUY else book.asks)]


def trailing(book: Book) -> list[tuple[int, int]]:
    """(order, best price) of all sleepers that follow the price or have."""
    found = [
        (order, price)
        for t in (book.triggers.highest, book.triggers.lowest)
        for price, one in t.shown()
        for order in one
    ]
    return [(int(order), price) for order, price in found]


def differences(state: State, naive: Naive) -> list[str]:
    """Every difference between the two in books, balances, prices and transfers."""
    found = []

    def same(what: str, real: object, twin: object) -> None:
        if real != twin:
            found.append(f"{what}: {real}, the twin has {twin}")

    for market, shop in naive.shops.items():
        for side in Side:
            same(f"{side.name} of {market}", book_of(state, market, side), naive.book(market, side))
            same(f"{side.name} seen of {market}", seen(state, market, side), naive.seen(market, side))
        same(f"last price of {market}", state.books[MarketId(market)].last_price, shop.last)
        same(f"due in {market}", list(state.books[MarketId(market)].triggers._queue), shop.due)
    same(
        "asleep",
        {o.id for o in state.orders.values() if not o.working},
        {t.id for t in naive.open if t.asleep or t.pending},
    )
    same("lists", set(state.lists), set(naive.lists.open))
    filled = {order.id: (order.filled, order.filled_quote, order.prevented) for order in state.orders.values()}
    same("filled", filled, {t.id: (t.filled, t.filled_quote, t.prevented) for t in naive.open})
    trailed = {order: price for book in state.books.values() for order, price in trailing(book)}
    same("trailed", trailed, naive.following())
    for asset in range(1, naive.money.assets + 1):
        same(f"outside of {asset}", state.available(CUSTODY, AssetId(asset)), naive.money.total(CUSTODY, asset))
        same(f"fees in {asset}", state.available(FEES, AssetId(asset)), naive.money.total(FEES, asset))
        for number in naive.money.owners:
            account, held = AccountId(number), naive.held(number, asset)
            place = f"account {number}, asset {asset}"
            same(f"{place}, held", state.held(account, AssetId(asset)), held)
            available = naive.money.total(number, asset) - held
            same(f"{place}, available", state.available(account, AssetId(asset)), available)
            same(f"{place}, owed", state.owed(account, AssetId(asset)), naive.money.debts[number, asset])
    ways = naive.money.ways
    same("networks", state.networks, ways.networks)
    same("limits", {key: (one.day, one.month) for key, one in state.tier_limits.items()}, ways.limits)
    same("shut", (state.payouts_shut, state.epoch), (ways.shut, ways.epoch))
    for mine, his in ((state.deposits, naive.money.deposits), (state.withdrawals, naive.money.withdrawals)):
        same(
            "transfers",
            {k: (t.state.name, t.amount) for k, t in mine.items()},
            {k: (t.state, t.amount) for k, t in his.items()},
        )
    same(
        "charged",
        {k: w.fee for k, w in state.withdrawals.items()},
        {k: w.fee for k, w in naive.money.withdrawals.items()},
    )
    promises = naive.promises
    same("keys", {name: used.digest for name, used in state.keys._by_name.items()}, promises.keys)
    same("countdowns", state.countdowns, promises.countdowns)
    same("sessions", {name: armed.markets for name, armed in state.sessions.items()}, promises.sessions)
    frozen = {number for number, account in state.accounts.items() if account.frozen}
    same("frozen", frozen, {number for number, owner in naive.money.owners.items() if owner.frozen})
    return found
