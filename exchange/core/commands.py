"""What may be asked of the exchange. A command is a wish: `decide` answers it with events or a `Reject`."""

from __future__ import annotations

import msgspec

from exchange.core.market import Market, MarketPhase
from exchange.core.networks import Network
from exchange.core.order_lists import ListKind
from exchange.core.orders import OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, ListId, MarketId, Micros, OrderId, Ppm, Price, Quantity


class ListAsset(msgspec.Struct, frozen=True, gc=False):
    """List an asset; `decimals` is its ledger scale."""

    code: str
    decimals: int


class ListMarket(msgspec.Struct, frozen=True, gc=False):
    """List a market; `rules.id` is ignored, the exchange numbers it. It starts in `phase`."""

    rules: Market
    phase: MarketPhase = MarketPhase.PRE_OPEN


class SetMarketPhase(msgspec.Struct, frozen=True, gc=False):
    """Open, halt or otherwise restrict a market; `reason` is shown to operators and journaled."""

    market: MarketId
    phase: MarketPhase
    reason: str


class SetTierFees(msgspec.Struct, frozen=True, gc=False):
    """Give accounts of `tier` their own fees in one market."""

    market: MarketId
    tier: int
    maker_fee: Ppm
    taker_fee: Ppm


class OpenAccount(msgspec.Struct, frozen=True, gc=False):
    """Open a trader's account under a name that nobody else has."""

    name: str
    tier: int = 0


class SetAccountTier(msgspec.Struct, frozen=True, gc=False):
    """Move an account to another fee tier."""

    account: AccountId
    tier: int


class SetAccountFrozen(msgspec.Struct, frozen=True, gc=False):
    """Freeze an account (it can cancel, not place orders or withdraw) or thaw it."""

    account: AccountId
    frozen: bool
    reason: str


class Credit(msgspec.Struct, frozen=True, gc=False):
    """Credit an account against `genesis`: demo money. `reference` makes it safe to repeat."""

    account: AccountId
    asset: AssetId
    amount: Amount
    reference: str


class ReportDeposit(msgspec.Struct, frozen=True, gc=False):
    """Custody saw a deposit, or saw it move. `key` is its outpoint or transaction hash and log ordinal."""

    key: str
    account: AccountId
    asset: AssetId
    amount: Amount
    to: DepositState


class SetNetwork(msgspec.Struct, frozen=True, gc=False):
    """List a network over which an asset travels, or change it.

    Contract and decimals stay as they are while it is open or a withdrawal over it is alive.
    """

    network: Network


class SetTierLimit(msgspec.Struct, frozen=True, gc=False):
    """How much of an asset accounts of a tier may withdraw in any 24 hours and any 30 days; 0: nothing.

    A tier without a limit of its own has that of tier 0; where that has none either, nothing may be withdrawn.
    """

    tier: int
    asset: AssetId
    day: Amount
    month: Amount


class RequestWithdrawal(msgspec.Struct, frozen=True, gc=False):
    """Hold `amount` for a withdrawal over `network`, whose fee is part of it; `key` makes it safe to repeat.

    `fee` is what whoever asks takes it for, and refused if it is another by now; None: whatever it is.
    """

    key: str
    account: AccountId
    asset: AssetId
    amount: Amount
    network: str
    fee: Amount | None = None


class MoveWithdrawal(msgspec.Struct, frozen=True, gc=False):
    """Take a withdrawal to its next state: settle it when final, release the hold when it ends unpaid.

    It is not planned while payouts of its asset are shut or its account is frozen. Once planned, the ledger follows
    whatever has happened outside: the payer looks himself before he has anything signed.
    """

    key: str
    to: WithdrawalState


class SettleInside(msgspec.Struct, frozen=True, gc=False):
    """An approved withdrawal whose destination is one of our own people's: it is final, and credited to them at once.

    No network is paid, so that no fee is taken: it goes back to whoever withdrew, or, `fee_to_recipient`, along.
    """

    key: str
    to: AccountId
    fee_to_recipient: bool = False


class BookPaid(msgspec.Struct, frozen=True, gc=False):
    """A withdrawal was paid that this ledger, restored from an older copy, does not know: its account pays it now.

    `amount` is the whole, `fee` the house's part of it. What is no longer there becomes a debt, and the account is
    frozen. `requested` is when it was asked for.
    """

    key: str
    account: AccountId
    asset: AssetId
    amount: Amount
    network: str
    fee: Amount
    requested: Micros


class BookNetworkCost(msgspec.Struct, frozen=True, gc=False):
    """The house paid a network (a miner's fee, gas) out of custody: taken from fees. `key` makes it safe to repeat."""

    key: str
    asset: AssetId
    amount: Amount


class SetPayoutsShut(msgspec.Struct, frozen=True, gc=False):
    """Shut the payouts of an asset (`ALL_ASSETS`: of every one), or open them again; the first reason stands.

    While they are shut nobody can ask to withdraw, and nothing more is planned. Opening all leaves those shut that
    were shut one by one.
    """

    asset: AssetId
    shut: bool
    reason: str


class OpenEpoch(msgspec.Struct, frozen=True, gc=False):
    """This ledger was restored from a copy: what came after the copy may have been paid out. All payouts are shut.

    `epoch` is the one that this opens, so that to repeat it is no news.
    """

    epoch: int
    reason: str


class PlaceOrder(msgspec.Struct, frozen=True, gc=False):
    """Place an order. Prices in ticks (0: none), quantity in lots or, for MARKET only, `quote_quantity` in atoms.

    `iceberg` is the lots to show at a time (0: all), `trailing_delta` in basis points (0: not trailing). `strategy_id`
    and `strategy_type` are the client's own names for its plan, and mean nothing here (0: none).
    """

    account: AccountId
    market: MarketId
    side: Side
    type: OrderType
    quantity: Quantity
    price: Price = Price(0)
    time_in_force: TimeInForce = TimeInForce.GTC
    client_id: str = ""
    stop_price: Price = Price(0)
    quote_quantity: Amount = Amount(0)
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    iceberg: Quantity = Quantity(0)
    trailing_delta: int = 0
    strategy_id: int = 0
    strategy_type: int = 0


class CancelOrder(msgspec.Struct, frozen=True, gc=False):
    """Cancel an open order, named by id or by its client id; given both, both must fit.

    `cancel_id` is the client's name for the cancel itself. `only` refuses the cancel of an order in another status.
    """

    account: AccountId
    market: MarketId
    order: OrderId = OrderId(0)
    client_id: str = ""
    cancel_id: str = ""
    only: OrderStatus | None = None


class AmendOrder(msgspec.Struct, frozen=True, gc=False):
    """Make an open order smaller, as if `quantity` lots had been asked for; it keeps its place. Named as in a cancel.

    `new_client_id` is what it is called from here on, which may be its present name.
    """

    account: AccountId
    market: MarketId
    quantity: Quantity
    new_client_id: str
    order: OrderId = OrderId(0)
    client_id: str = ""


class CancelAll(msgspec.Struct, frozen=True, gc=False):
    """Cancel all open orders of an account in one market; `cancel_id` is the client's name for the cancel itself."""

    account: AccountId
    market: MarketId
    cancel_id: str = ""


class CancelReplace(msgspec.Struct, frozen=True, gc=False):
    """Cancel one order and place another in its stead; the new one may use the funds that the old one held.

    Unless `even_if_cancel_fails`, a failed cancel leaves the new order unplaced.
    """

    cancel: CancelOrder
    place: PlaceOrder
    even_if_cancel_fails: bool = False


class PlaceOrderList(msgspec.Struct, frozen=True, gc=False):
    """Place orders that depend on each other, all of them or none, under one `client_id`.

    `orders` stand by their roles: of an OCO the order above the price and the one below, of an OTO the working and the
    pending order, of an OTOCO the working order, the pending one above and the pending one below. All are the
    account's, in this market.
    """

    account: AccountId
    market: MarketId
    kind: ListKind
    orders: tuple[PlaceOrder, ...]
    client_id: str = ""


class CancelOrderList(msgspec.Struct, frozen=True, gc=False):
    """Cancel what is open of an order list, named by id or by its client id; given both, both must fit.

    `cancel_id` is the client's name for the cancel itself.
    """

    account: AccountId
    market: MarketId
    list: ListId = ListId(0)
    client_id: str = ""
    cancel_id: str = ""


class WakeOrder(msgspec.Struct, frozen=True, gc=False):
    """The exchange's own: see to the next who is due in this market, if anybody is.

    That is first a list whose working order was filled, its pending orders being placed now; then a sleeping order
    whose stop price was reached.
    """

    market: MarketId


class Keyed(msgspec.Struct, frozen=True, gc=False):
    """Do what `command` says, once: under the same key it is done no second time.

    `digest` stands for all that the client asked; `market` is the command's.
    """

    account: AccountId
    market: MarketId
    key: str
    digest: bytes
    command: PlaceOrder | CancelReplace | PlaceOrderList


class SetCountdown(msgspec.Struct, frozen=True, gc=False):
    """Cancel an account's open orders in a market in `countdown` microseconds, unless it is set anew; 0: do not."""

    account: AccountId
    market: MarketId
    countdown: Micros


class FireCountdown(msgspec.Struct, frozen=True, gc=False):
    """The exchange's own: do what a countdown was set for, if it is due."""

    account: AccountId
    market: MarketId


class ArmSession(msgspec.Struct, frozen=True, gc=False):
    """Cancel the account's open orders in `markets` (none: in all) when the connection called `session` ends."""

    account: AccountId
    session: str
    markets: tuple[MarketId, ...]


class EndSession(msgspec.Struct, frozen=True, gc=False):
    """An armed connection has ended; or (`disarm`) its orders are to stay when it does."""

    account: AccountId
    session: str
    disarm: bool = False


Command = (
    ListAsset
    | ListMarket
    | SetMarketPhase
    | SetTierFees
    | OpenAccount
    | SetAccountTier
    | SetAccountFrozen
    | Credit
    | ReportDeposit
    | SetNetwork
    | SetTierLimit
    | RequestWithdrawal
    | MoveWithdrawal
    | SettleInside
    | BookPaid
    | BookNetworkCost
    | SetPayoutsShut
    | OpenEpoch
    | PlaceOrder
    | CancelOrder
    | AmendOrder
    | CancelAll
    | CancelReplace
    | PlaceOrderList
    | CancelOrderList
    | WakeOrder
    | Keyed
    | SetCountdown
    | FireCountdown
    | ArmSession
    | EndSession
)
