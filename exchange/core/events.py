"""What has happened. The journal is a list of these, and they alone rebuild every row and every balance.

Each class has a number that never changes its meaning: a changed event gets a new class and a new number.
Every event that concerns an account carries that account's own sequence number, gapless from 1.
`time` is when the command was decided, in microseconds. A field that is added to a class stands last and has a default,
so that old journals can be read. Numbers 16 to 19 are for prevented matches and amendments, from 20 on for lists,
from 60 on for networks.
"""

from __future__ import annotations

import msgspec

from exchange.core.market import Asset, Market, MarketPhase
from exchange.core.networks import Network
from exchange.core.order_lists import ListKind
from exchange.core.orders import ExpiryReason, OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import (
    AccountId,
    Amount,
    AssetId,
    ListId,
    MarketId,
    Micros,
    OrderId,
    Ppm,
    Price,
    Quantity,
    TradeId,
)


class AssetListed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=1):
    """An asset was listed."""

    time: Micros
    asset: Asset


class MarketListed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=2):
    """A market was listed."""

    time: Micros
    market: Market
    phase: MarketPhase


class MarketPhaseSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=3):
    """A market was opened, halted or otherwise restricted."""

    time: Micros
    market: MarketId
    phase: MarketPhase
    reason: str


class TierFeesSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=4):
    """Accounts of a tier have their own fees in a market from here on."""

    time: Micros
    market: MarketId
    tier: int
    maker_fee: Ppm
    taker_fee: Ppm


class AccountOpened(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=5):
    """An account exists from here on."""

    time: Micros
    account: AccountId
    name: str
    tier: int


class AccountTierSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=6):
    """An account moved to another fee tier."""

    time: Micros
    account: AccountId
    account_seq: int
    tier: int


class AccountFrozenSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=7):
    """An account was frozen or thawed."""

    time: Micros
    account: AccountId
    account_seq: int
    frozen: bool
    reason: str


class Credited(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=8):
    """Demo money came to an account out of `genesis`."""

    time: Micros
    account: AccountId
    account_seq: int
    asset: AssetId
    amount: Amount
    reference: str


class DepositMoved(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=9):
    """A deposit reached a state.

    `recovered`: of a reversal, what the account still had available; of a credit, what repaid the account's debt.
    """

    time: Micros
    key: str
    account: AccountId
    account_seq: int
    asset: AssetId
    amount: Amount
    state: DepositState
    recovered: Amount


class WithdrawalMoved(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=10):
    """A withdrawal reached a state.

    Of `amount` the house takes `fee` when it is final. `refunded`: of one that stayed inside, what went back to its
    account. `requested` is when it was asked for (0 in journals that knew no networks). `owed`: of one that is FINAL as
    the first that is heard of it (paid, and unknown to a restored ledger), what its account no longer had.
    """

    time: Micros
    key: str
    account: AccountId
    account_seq: int
    asset: AssetId
    amount: Amount
    state: WithdrawalState
    network: str = ""
    fee: Amount = Amount(0)
    requested: Micros = Micros(0)
    refunded: Amount = Amount(0)
    owed: Amount = Amount(0)


class NetworkSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=60):
    """An asset travels over a network, on these terms, from here on."""

    time: Micros
    network: Network


class TierLimitSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=61):
    """Accounts of a tier may withdraw so much of an asset in 24 hours and in 30 days from here on."""

    time: Micros
    tier: int
    asset: AssetId
    day: Amount
    month: Amount


class PayoutsShutSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=62):
    """Payouts of an asset (0: of all) were shut or opened."""

    time: Micros
    asset: AssetId
    shut: bool
    reason: str


class NetworkCostBooked(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=63):
    """The house paid a network: out of fees, to the outside."""

    time: Micros
    key: str
    asset: AssetId
    amount: Amount


class EpochOpened(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=64):
    """The ledger goes on from a restored copy; all payouts are shut."""

    time: Micros
    epoch: int
    reason: str


class OrderAccepted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=11):
    """An order was taken on and `hold` moved from available to held.

    `rests`: it goes straight onto the book (or to sleep); otherwise trades, `OrderBooked` or `OrderEnded` follow.
    `pending`: it waits for its list's working order, holding nothing; `OrderReleased` or `OrderEnded` will follow.
    """

    time: Micros
    order: OrderId
    account: AccountId
    account_seq: int
    market: MarketId
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    self_trade: SelfTrade
    price: Price
    stop_price: Price
    quantity: Quantity
    quote_quantity: Amount
    hold: Amount
    client_id: str
    rests: bool
    order_list: ListId = ListId(0)
    iceberg: Quantity = Quantity(0)
    trailing_delta: int = 0
    strategy_id: int = 0
    strategy_type: int = 0
    pending: bool = False


class OrderTriggered(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=12):
    """A sleeping order's stop price was reached; what it then does follows.

    `worked` is the time (0 in old journals). `released` goes back from held to available: a trailing order that buys
    without limit held for the dearest price at which it might wake. `hold` is what an OCO's stop order takes over
    from the order that has just expired beside it.
    """

    time: Micros
    order: OrderId
    account: AccountId
    account_seq: int
    market: MarketId
    worked: Micros = Micros(0)
    released: Amount = Amount(0)
    hold: Amount = Amount(0)


class OrderBooked(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=13):
    """What is left of an order took its place at the end of the queue of its price."""

    time: Micros
    order: OrderId
    account: AccountId
    account_seq: int
    market: MarketId


class OrderEnded(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=14):
    """An order ended before it was filled; `released` goes back from held to available."""

    time: Micros
    order: OrderId
    account: AccountId
    account_seq: int
    market: MarketId
    status: OrderStatus
    released: Amount
    cancel_id: str
    reason: ExpiryReason = ExpiryReason.NONE


class Traded(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=15):
    """A taker met a maker. Each fee is in the asset its payer receives.

    `notional` is price times quantity in quote atoms. `released` goes back to a taker who buys: price improvement, or
    what is left of a budget too small for one more lot. `aggregate` numbers the run of fills of one taker at one price.
    """

    time: Micros
    market: MarketId
    trade: TradeId
    aggregate: int
    price: Price
    quantity: Quantity
    notional: Amount
    taker_side: Side
    maker_order: OrderId
    taker_order: OrderId
    maker: AccountId
    taker: AccountId
    maker_seq: int
    taker_seq: int
    maker_fee: Amount
    taker_fee: Amount
    released: Amount


class KeyUsed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=40):
    """An account's idempotency key was used for what `digest` says; `answer` is a `keys.Remembered` in MessagePack.

    It stands right behind the events of the command that was asked under the key.
    """

    time: Micros
    account: AccountId
    account_seq: int
    key: str
    digest: bytes
    answer: bytes


class CountdownSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=41):
    """An account's open orders in a market are to be cancelled at `due`, unless it is set anew; 0: they are not."""

    time: Micros
    account: AccountId
    account_seq: int
    market: MarketId
    due: Micros


class CountdownFired(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=42):
    """A countdown was through; the ends of the orders that were open follow."""

    time: Micros
    account: AccountId
    account_seq: int
    market: MarketId


class SessionArmed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=43):
    """When the connection of that name ends, the account's open orders in `markets` (none: in all) are cancelled."""

    time: Micros
    account: AccountId
    account_seq: int
    session: str
    markets: tuple[MarketId, ...]


class SessionEnded(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=44):
    """An armed connection ended (the ends of its orders follow), or was disarmed (nothing follows)."""

    time: Micros
    account: AccountId
    account_seq: int
    session: str
    disarmed: bool


class OrderListPlaced(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=20):
    """The orders just accepted are one list; the first of an OTO or OTOCO is its working order."""

    time: Micros
    list: ListId
    account: AccountId
    account_seq: int
    market: MarketId
    contingency: ListKind
    client_id: str
    orders: tuple[OrderId, ...]


class OrderListDone(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=21):
    """Every order of a list is final."""

    time: Micros
    list: ListId
    account: AccountId
    account_seq: int
    market: MarketId


class OrderReleased(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=22):
    """A pending order's turn came: `hold` moved from available to held.

    `rests`: it goes straight onto the book (or to sleep); otherwise trades, `OrderBooked` or `OrderEnded` follow.
    """

    time: Micros
    order: OrderId
    account: AccountId
    account_seq: int
    market: MarketId
    hold: Amount
    rests: bool


class MatchPrevented(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=16):
    """An account would have traded with itself: maker, taker or both lost lots, and a loser of all that was left ended.

    `match` numbers them in their market. Of a side that lost nothing, `maker_seq` or `taker_seq` is 0. What is released
    goes back from held to available.
    """

    time: Micros
    market: MarketId
    match: int
    account: AccountId
    mode: SelfTrade
    price: Price
    maker_order: OrderId
    taker_order: OrderId
    maker_seq: int
    taker_seq: int
    maker_lots: Quantity
    taker_lots: Quantity
    maker_released: Amount
    taker_released: Amount


class OrderAmended(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="kind", tag=17):
    """An open order was made smaller, to `quantity` lots, and keeps its place; `client_id` is its name from here on.

    `before` and `name_before` are what it was; both quantities count what self-trade prevention has taken. `released`
    goes back from held to available.
    """

    time: Micros
    order: OrderId
    account: AccountId
    account_seq: int
    market: MarketId
    quantity: Quantity
    before: Quantity
    client_id: str
    name_before: str
    released: Amount


Event = (
    AssetListed
    | MarketListed
    | MarketPhaseSet
    | TierFeesSet
    | AccountOpened
    | AccountTierSet
    | AccountFrozenSet
    | Credited
    | DepositMoved
    | WithdrawalMoved
    | NetworkSet
    | TierLimitSet
    | PayoutsShutSet
    | NetworkCostBooked
    | EpochOpened
    | OrderAccepted
    | OrderTriggered
    | OrderBooked
    | OrderEnded
    | Traded
    | MatchPrevented
    | OrderAmended
    | KeyUsed
    | CountdownSet
    | CountdownFired
    | SessionArmed
    | SessionEnded
    | OrderListPlaced
    | OrderListDone
    | OrderReleased
)
