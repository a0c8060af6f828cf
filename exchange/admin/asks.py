"""What operators may ask. Part of `wire`.

`method` is a question's name on the wire; its type parameter is the type of the answer.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, get_args

from exchange.admin.act_asks import ACT_ASKS
from exchange.admin.ask import MAX_ROWS, Ask, R
from exchange.admin.chain_views import ChainList, ChainRow, DepositList, DepositsExplained, ReservesList
from exchange.admin.tier_asks import TIER_ASKS
from exchange.admin.views import (
    AccountList,
    AccountRow,
    AccountView,
    Attached,
    AuditList,
    BalanceRow,
    BookView,
    KeyList,
    KeyMade,
    KeyRow,
    MarketList,
    MarketRow,
    MarketRules,
    NetworkList,
    NetworkRow,
    OperatorList,
    OperatorMade,
    OperatorRow,
    Phase,
    Role,
    ShutList,
    ShutRow,
    Status,
    TierLimitList,
    TierLimitRow,
    TradesView,
    WalletView,
    Watching,
)
from exchange.admin.withdrawal_asks import WITHDRAWAL_ASKS


class Attach(Ask[Attached], frozen=True):
    """The first call. Without a `code` it is refused as "code_needed" where the operator has a TOTP secret."""

    method: ClassVar[str] = "attach"
    code: str = ""

    def __repr__(self) -> str:
        """Without the code."""
        return "Attach()"


class GetStatus(Ask[Status], frozen=True):
    method: ClassVar[str] = "status"


class Watch(Ask[Watching], frozen=True):
    """From here on push every `PhaseChanged`, `Status` each second if `status`, book and trades of `symbol` ("": none).

    The book and trades come once at once. Another `Watch` replaces this one.
    """

    method: ClassVar[str] = "watch"
    status: bool = True
    symbol: str = ""
    depth: int = 20


class ListMarkets(Ask[MarketList], frozen=True):
    method: ClassVar[str] = "markets"


class ShowMarket(Ask[MarketRules], frozen=True):
    method: ClassVar[str] = "market.show"
    symbol: str


class GetBook(Ask[BookView], frozen=True):
    method: ClassVar[str] = "book"
    symbol: str
    depth: int = 20


class GetTrades(Ask[TradesView], frozen=True):
    method: ClassVar[str] = "trades"
    symbol: str
    limit: int = 50


class SetPhase(Ask[MarketRow], frozen=True):
    """Open, halt or otherwise restrict a market; `reason` is journaled."""

    method: ClassVar[str] = "market.phase"
    symbol: str
    phase: Phase
    reason: str


class CreateAccount(Ask[AccountRow], frozen=True):
    method: ClassVar[str] = "account.create"
    name: str
    tier: int = 0


class ListAccounts(Ask[AccountList], frozen=True):
    """Accounts whose name contains `match`, by id, beginning after id `after`."""

    method: ClassVar[str] = "account.list"
    match: str = ""
    after: int = 0
    limit: int = MAX_ROWS


class ShowAccount(Ask[AccountView], frozen=True):
    """`account` is a name or an id."""

    method: ClassVar[str] = "account.show"
    account: str


class FreezeAccount(Ask[AccountView], frozen=True):
    """Freeze an account, or thaw it: frozen, it can cancel orders and neither place any nor withdraw."""

    method: ClassVar[str] = "account.freeze"
    account: str
    frozen: bool
    reason: str


class CreateKey(Ask[KeyMade], frozen=True):
    """Scopes: "read", "trade" (which includes read). With a `public_key_pem` the key is Ed25519, else HMAC-SHA256.

    `addresses` are those from which it may be used, single ones and networks; none: from anywhere.
    """

    method: ClassVar[str] = "key.create"
    account: str
    scopes: tuple[str, ...]
    label: str = ""
    public_key_pem: str = ""
    addresses: tuple[str, ...] = ()


class ListKeys(Ask[KeyList], frozen=True):
    """Keys of `account` ("": of all) with `match` in key, label or account name, sorted, from after `after` on."""

    method: ClassVar[str] = "key.list"
    account: str = ""
    match: str = ""
    after: str = ""
    limit: int = MAX_ROWS


class LimitKey(Ask[KeyRow], frozen=True):
    """From now on the key may be used from these addresses and networks only; none: from anywhere."""

    method: ClassVar[str] = "key.ips"
    api_key: str
    addresses: tuple[str, ...]


class RevokeKey(Ask[KeyRow], frozen=True):
    method: ClassVar[str] = "key.revoke"
    api_key: str


class CreditAccount(Ask[BalanceRow], frozen=True):
    """Demo money. A `reference` makes it safe to repeat: the second time is refused."""

    method: ClassVar[str] = "credit"
    account: str
    asset: str
    amount: str
    reference: str = ""


class ListOperators(Ask[OperatorList], frozen=True):
    method: ClassVar[str] = "operator.list"


class AddOperator(Ask[OperatorMade], frozen=True):
    method: ClassVar[str] = "operator.add"
    name: str
    uid: int
    role: Role


class RemoveOperator(Ask[OperatorRow], frozen=True):
    method: ClassVar[str] = "operator.remove"
    name: str


class ShowWallet(Ask[WalletView], frozen=True):
    method: ClassVar[str] = "wallet.status"


class UnlockWallet(Ask[WalletView], frozen=True):
    """`sealed`: the vault's passphrase, sealed to `WalletView.box`, in hexadecimal. The server cannot read it."""

    method: ClassVar[str] = "wallet.unlock"
    sealed: str

    def __repr__(self) -> str:
        """Without the box."""
        return "UnlockWallet()"


class TailAudit(Ask[AuditList], frozen=True):
    """The newest `limit` entries, oldest first; or, given `after`, the first `limit` that follow that number."""

    method: ClassVar[str] = "audit.tail"
    after: int = -1
    limit: int = 100


class ListNetworks(Ask[NetworkList], frozen=True):
    method: ClassVar[str] = "network.list"


class SetNetwork(Ask[NetworkRow], frozen=True):
    """List a network of an asset, or change what is given of one; None leaves it, or takes the default of a new one.

    A new one needs `chain_decimals`, and is closed both ways unless it is said otherwise.
    """

    method: ClassVar[str] = "network.set"
    asset: str
    network: str
    contract: str | None = None
    chain_decimals: int | None = None
    withdrawal_fee: str | None = None
    withdrawal_min: str | None = None
    deposit_min: str | None = None
    confirmations: str | None = None
    automatic_limit: str | None = None
    one_person_limit: str | None = None
    deposits_open: bool | None = None
    withdrawals_open: bool | None = None


class ListTierLimits(Ask[TierLimitList], frozen=True):
    method: ClassVar[str] = "tier.list"


class SetTierLimit(Ask[TierLimitRow], frozen=True):
    """What accounts of a tier may withdraw of an asset in any 24 hours and in any 30 days."""

    method: ClassVar[str] = "tier.limit"
    tier: int
    asset: str
    day: str
    month: str


class ListShut(Ask[ShutList], frozen=True):
    method: ClassVar[str] = "payouts.list"


class SetPayoutsShut(Ask[ShutRow], frozen=True):
    """Shut the payouts of an asset ("": of all), or open them again; the first `reason` stands.

    `looked_up`: so many transactions that the signer has signed, and that custody's books do not know, were looked up.
    """

    method: ClassVar[str] = "payouts.set"
    asset: str
    shut: bool
    reason: str
    looked_up: int = 0


class ListChains(Ask[ChainList], frozen=True):
    method: ClassVar[str] = "chain.list"


class ResumeChain(Ask[ChainRow], frozen=True):
    """Let a stopped chain go on, once somebody has looked at it."""

    method: ClassVar[str] = "chain.resume"
    name: str


class CloseAlarms(Ask[ChainRow], frozen=True):
    """Somebody has looked at the open alarms of a chain."""

    method: ClassVar[str] = "chain.alarms.close"
    name: str


class ShowReserves(Ask[ReservesList], frozen=True):
    """The last comparison of chains, books and ledger."""

    method: ClassVar[str] = "reserves.status"


class ListDeposits(Ask[DepositList], frozen=True):
    """Deposits of `account` ("": of all) in `state` ("": any), the newest first, of numbers below `before` (0: all)."""

    method: ClassVar[str] = "deposit.list"
    account: str = ""
    state: str = ""
    before: int = 0
    limit: int = MAX_ROWS


class ExplainDeposit(Ask[DepositsExplained], frozen=True):
    """All payments to us of a transaction; where there are none, what each chain says of it."""

    method: ClassVar[str] = "deposit.explain"
    txid: str


ASKS: Final[dict[str, type[Ask[Any]]]] = {
    ask.method: ask
    for ask in (
        *(Attach, GetStatus, Watch, ListMarkets, ShowMarket, GetBook, GetTrades, SetPhase),
        *(CreateAccount, ListAccounts, ShowAccount, FreezeAccount),
        *(CreateKey, ListKeys, LimitKey, RevokeKey, CreditAccount),
        *(ListNetworks, SetNetwork, ListTierLimits, SetTierLimit, ListShut, SetPayoutsShut),
        *(ListOperators, AddOperator, RemoveOperator, TailAudit),
        *(ShowWallet, UnlockWallet),
        *(ListChains, ResumeChain, CloseAlarms, ListDeposits, ExplainDeposit, ShowReserves),
        *WITHDRAWAL_ASKS,
        *TIER_ASKS,
        *ACT_ASKS,
    )
}
"""Every method by its name. What is not here does not exist."""


def result_type(ask: type[Ask[R]]) -> type[R]:
    """The type of the result of `ask`."""
    found: type[R] = get_args(ask.__orig_bases__[0])[0]  # type: ignore[attr-defined]  # set by typing on every Ask[...]
    return found
