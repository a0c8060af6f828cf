"""All that the exchange knows while it runs. Only `evolve` and `restore` write here."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from exchange.core.countdowns import Armed, CountdownName, SessionName
from exchange.core.keys import Keys, Name
from exchange.core.networks import ALL_ASSETS
from exchange.core.orders import Order
from exchange.core.postings import FIRST_TRADER, Bucket, balance_key
from exchange.core.units import (
    AccountId,
    Amount,
    AssetId,
    BalanceKey,
    ListId,
    MarketId,
    Micros,
    OrderId,
    Seq,
)

if TYPE_CHECKING:
    from exchange.core.book import Book
    from exchange.core.events import Event, KeyUsed, MatchPrevented, OrderAmended, Traded
    from exchange.core.market import Asset
    from exchange.core.networks import Network, TierLimit
    from exchange.core.order_lists import OrderList
    from exchange.core.transfers import Deposit, Withdrawal

Posting = tuple[Seq, BalanceKey, BalanceKey, Amount]
"""(event, debit, credit, amount)."""


MARK_EVERY: Final = 64
"""An account's balances are noted in the ledger after so many events of its own."""


class Account(msgspec.Struct, gc=False, eq=False):
    """A trader's account. `seq` is its last own event number; `open_by_client` finds open orders by client id.

    `open_orders` and `algo_orders` count open orders by market, all of them and those still asleep. With event number
    `next_mark` the ledger is to note all its balances. `withdrawals` are those that count against its limits, in the
    order in which they were asked for.
    """

    id: AccountId
    name: str
    tier: int
    frozen: bool
    seq: int
    created: Micros
    open_by_client: dict[str, OrderId]
    open_by_market: dict[MarketId, dict[OrderId, Order]]
    next_mark: int = MARK_EVERY
    open_lists: dict[ListId, OrderList] = msgspec.field(default_factory=dict)
    withdrawals: dict[str, Withdrawal] = msgspec.field(default_factory=dict)


class Changes:
    """What `evolve` touched since the sequencer last took it: everything the journal must make durable.

    `special` are orders of which a field changed that plain limit orders never change; they are in `orders` too.
    """

    __slots__ = (
        "accounts",
        "amendments",
        "countdowns",
        "deposits",
        "events",
        "fresh",
        "keys",
        "keys_dropped",
        "lists",
        "markets",
        "orders",
        "payouts_shut",
        "postings",
        "prevented",
        "sessions",
        "special",
        "trades",
        "withdrawals",
    )

    def __init__(self) -> None:
        """Nothing touched."""
        self.events: list[Event] = []
        self.postings: list[Posting] = []
        self.trades: list[tuple[Seq, Traded]] = []
        self.prevented: list[tuple[Seq, MatchPrevented]] = []
        self.amendments: list[tuple[Seq, OrderAmended]] = []
        self.fresh: dict[OrderId, Order] = {}
        self.orders: dict[OrderId, Order] = {}
        self.lists: dict[ListId, OrderList] = {}
        self.special: dict[OrderId, Order] = {}
        self.accounts: dict[AccountId, Account] = {}
        self.markets: dict[MarketId, Book] = {}
        self.deposits: dict[str, Deposit] = {}
        self.withdrawals: dict[str, Withdrawal] = {}
        self.payouts_shut: dict[AssetId, str | None] = {}
        self.keys: list[tuple[Seq, KeyUsed]] = []
        self.keys_dropped: list[Name] = []
        self.countdowns: dict[CountdownName, Micros] = {}
        self.sessions: dict[SessionName, Armed | None] = {}


def _nothing() -> Amount:
    return Amount(0)


class State:
    """Assets, markets, accounts, balances, open orders and order lists, networks and transfers, as of event `seq`."""

    __slots__ = (
        "accounts",
        "assets",
        "balances",
        "books",
        "changes",
        "costs",
        "countdowns",
        "deposits",
        "epoch",
        "keys",
        "lists",
        "names",
        "networks",
        "next_account",
        "next_list",
        "next_order",
        "orders",
        "payouts_shut",
        "references",
        "seq",
        "sessions",
        "symbols",
        "tier_limits",
        "withdrawals",
    )

    def __init__(self) -> None:
        """An exchange before its first event."""
        self.seq = Seq(0)
        self.assets: dict[AssetId, Asset] = {}
        self.books: dict[MarketId, Book] = {}
        self.symbols: dict[str, MarketId] = {}
        self.accounts: dict[AccountId, Account] = {}
        self.names: dict[str, AccountId] = {}
        self.balances: defaultdict[BalanceKey, Amount] = defaultdict(_nothing)
        self.orders: dict[OrderId, Order] = {}
        self.lists: dict[ListId, OrderList] = {}
        self.deposits: dict[str, Deposit] = {}
        self.withdrawals: dict[str, Withdrawal] = {}
        self.references: set[str] = set()
        self.networks: dict[tuple[AssetId, str], Network] = {}
        self.tier_limits: dict[tuple[int, AssetId], TierLimit] = {}
        self.payouts_shut: dict[AssetId, str] = {}
        self.costs: dict[str, tuple[AssetId, Amount]] = {}
        self.epoch = 1
        self.keys = Keys()
        self.countdowns: dict[CountdownName, Micros] = {}
        self.sessions: dict[SessionName, Armed] = {}
        self.next_order = OrderId(1)
        self.next_list = ListId(1)
        self.next_account = FIRST_TRADER
        self.changes = Changes()

    def take_changes(self) -> Changes:
        """Hand over what was touched and start afresh."""
        taken, self.changes = self.changes, Changes()
        return taken

    def available(self, account: AccountId, asset: AssetId) -> Amount:
        """What the account may spend."""
        return self.balances.get(balance_key(account, asset), Amount(0))

    def held(self, account: AccountId, asset: AssetId) -> Amount:
        """What the account's open orders and withdrawals hold."""
        return self.balances.get(balance_key(account, asset, Bucket.HELD), Amount(0))

    def owed(self, account: AccountId, asset: AssetId) -> Amount:
        """What the account owes since a deposit was undone that it had spent."""
        return Amount(-self.balances.get(balance_key(account, asset, Bucket.RECEIVABLE), 0))

    def shut(self, asset: AssetId) -> str | None:
        """Why payouts of the asset are shut; None: they are not."""
        return self.payouts_shut.get(ALL_ASSETS, self.payouts_shut.get(asset))

    def withdrawn(self, account: AccountId, asset: AssetId, since: Micros) -> int:
        """What the account asked to withdraw after `since`, leaving out what came back to it."""
        total = 0
        for one in reversed(self.accounts[account].withdrawals.values()):
            if one.requested <= since:
                break
            total += one.amount * (one.asset == asset)
        return total

    def asset_by_code(self, code: str) -> Asset | None:
        """The asset of that code, if it is listed."""
        return next((asset for asset in self.assets.values() if asset.code == code), None)

    def find_open(self, account: AccountId, market: MarketId, order: OrderId, client_id: str) -> Order | None:
        """The account's open order of that id (0: any) and client id ("": any), or None."""
        if not order:
            owner = self.accounts.get(account)
            order = owner.open_by_client.get(client_id, order) if owner else order
        found = self.orders.get(order)
        if found is None or found.account != account or found.market != market:
            return None
        return found if not client_id or found.client_id == client_id else None

    def rival(self, order: Order) -> Order | None:
        """The other order of the OCO pair that this one is of, while it is open."""
        if not order.order_list:
            return None
        other = self.lists[order.order_list].rival(order.id)
        return self.orders.get(other) if other is not None else None

    def find_list(self, account: AccountId, market: MarketId, number: ListId, client_id: str) -> OrderList | None:
        """The account's open order list of that id (0: any) and client id ("": any), or None; one must be given."""
        owner = self.accounts.get(account)
        if owner is None or not (number or client_id):
            return None
        fitting = (
            one
            for one in owner.open_lists.values()
            if one.market == market and number in {0, one.id} and client_id in {"", one.client_id}
        )
        return next(fitting, None)
