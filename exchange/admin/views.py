"""What operators are shown: the answers to their questions, and what is pushed to them. Part of `wire`.

Amounts, prices and quantities are plain decimal strings; times are microseconds since 1970 in UTC; spans are
microseconds where the name ends in `_us` and seconds where it ends in `_s`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Phase = Literal["PRE_OPEN", "OPEN", "POST_ONLY", "CANCEL_ONLY", "HALTED"]
Role = Literal["operations", "auditor", "treasury"]
SideName = Literal["BUY", "SELL"]


class Push(msgspec.Struct, frozen=True):
    """What the server sends unasked."""


class Status(Push, frozen=True, tag="status"):
    """How the exchange is, each second. `ack_p50_us`, `ack_p99_us`: from submit to durable, over the last seconds.

    `violations` are the sentences of the last check of all invariants, made at `checked` (0: not yet).
    `quarantined` has a sentence for each market that was halted because the exchange failed in it. `alarms` has one for
    each chain with open alarms: how many there are, and the newest; and one for each that backups raise.
    """

    time: int
    uptime_s: int
    demo: bool
    journal_seq: int
    orders_per_second: int
    ack_p50_us: int
    ack_p99_us: int
    queue_length: int
    queue_limit: int
    last_commit: int
    last_batch: int
    accounts: int
    open_orders: int
    checked: int
    violations: tuple[str, ...]
    quarantined: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()


class MarketRow(msgspec.Struct, frozen=True):
    """One market at a glance. `bid` and `ask` are "" where nobody bids or asks."""

    symbol: str
    base: str
    quote: str
    phase: Phase
    tick_size: str
    lot_size: str
    last_price: str
    bid: str
    ask: str
    open_orders: int


class NetworkRow(msgspec.Struct, frozen=True):
    """One way in and out for an asset. `confirmations` reads "0:2 1.00:6": from an amount on, so many blocks.

    `shut` says why nothing of the asset is paid out ("": it is).
    """

    asset: str
    network: str
    contract: str
    chain_decimals: int
    withdrawal_fee: str
    withdrawal_min: str
    deposit_min: str
    confirmations: str
    automatic_limit: str
    one_person_limit: str
    deposits_open: bool
    withdrawals_open: bool
    shut: str = ""


class NetworkList(msgspec.Struct, frozen=True):
    """All ways in and out, by asset and name."""

    rows: tuple[NetworkRow, ...]


class TierLimitRow(msgspec.Struct, frozen=True):
    """What accounts of a tier may withdraw of an asset in any 24 hours and in any 30 days."""

    tier: int
    asset: str
    day: str
    month: str


class TierLimitList(msgspec.Struct, frozen=True):
    """All limits that were set."""

    rows: tuple[TierLimitRow, ...]


class ShutRow(msgspec.Struct, frozen=True):
    """Payouts of an asset ("": of all) are shut, and why ("": they are open)."""

    asset: str
    reason: str


class ShutList(msgspec.Struct, frozen=True):
    """Everything that is shut. `epoch` counts how often the ledger went on from a restored copy, from 1."""

    rows: tuple[ShutRow, ...]
    epoch: int


class PhaseChanged(Push, frozen=True, tag="phase"):
    """A market was opened, halted or otherwise restricted."""

    symbol: str
    phase: Phase
    reason: str
    time: int


class Level(msgspec.Struct, frozen=True, array_like=True):
    """All that rests at one price."""

    price: str
    quantity: str
    orders: int


class BookView(Push, frozen=True, tag="book"):
    """The best levels of both sides as of event `seq`, best first.

    Pushed when they have changed, 5 times a second at most.
    """

    symbol: str
    seq: int
    phase: Phase
    last_price: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class TradeRow(msgspec.Struct, frozen=True, array_like=True):
    """One trade; `side` is the taker's."""

    id: int
    time: int
    price: str
    quantity: str
    side: SideName


class TradesView(Push, frozen=True, tag="trades"):
    """The newest trades of a market, newest first. Pushed with its book when there were new ones."""

    symbol: str
    trades: tuple[TradeRow, ...]


class Closing(Push, frozen=True, tag="closing"):
    """The server hangs up, and why: "idle", "expired", "removed", "failed" or "stopping"."""

    reason: str
    text: str


class MarketList(msgspec.Struct, frozen=True):
    rows: tuple[MarketRow, ...]


class MarketRules(msgspec.Struct, frozen=True):
    """All rules of one market. Fees and bands are parts per million; a band of 0 is none."""

    row: MarketRow
    min_price: str
    max_price: str
    min_quantity: str
    max_quantity: str
    max_market_quantity: str
    min_notional: str
    max_notional: str
    maker_fee_ppm: int
    taker_fee_ppm: int
    band_up_ppm: int
    band_down_ppm: int
    max_orders: int
    max_algo_orders: int


class AccountRow(msgspec.Struct, frozen=True):
    id: int
    name: str
    tier: int
    frozen: bool
    created: int
    open_orders: int


class AccountList(msgspec.Struct, frozen=True):
    """`more`: there are further rows after the last of these."""

    rows: tuple[AccountRow, ...]
    more: bool


class BalanceRow(msgspec.Struct, frozen=True):
    """`owed`: since a deposit was undone that had been spent; empty where nothing is."""

    asset: str
    available: str
    held: str
    owed: str = ""


class AccountView(msgspec.Struct, frozen=True):
    """An account and all it has."""

    row: AccountRow
    balances: tuple[BalanceRow, ...]


class KeyRow(msgspec.Struct, frozen=True):
    """An API key without its secret. `kind` is "hmac" or "ed25519"; `revoked` and `expired` are 0 while it lives.

    It may be used from those `addresses`, if any, only. `last_used` is the beginning of a day (UTC), 0 for never.
    """

    api_key: str
    account: int
    account_name: str
    scopes: tuple[str, ...]
    kind: str
    label: str
    created: int
    revoked: int
    addresses: tuple[str, ...] = ()
    last_used: int = 0
    expired: int = 0


class KeyList(msgspec.Struct, frozen=True):
    """`more`: there are further rows after the last of these."""

    rows: tuple[KeyRow, ...]
    more: bool


class KeyMade(msgspec.Struct, frozen=True):
    """A new key. `secret` is shown this once and is "" for Ed25519, whose private half never came here."""

    row: KeyRow
    secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"KeyMade({self.row!r})"


class OperatorRow(msgspec.Struct, frozen=True):
    """`removed` is 0 while the operator may attach."""

    name: str
    uid: int
    role: Role
    created: int
    removed: int


class OperatorList(msgspec.Struct, frozen=True):
    rows: tuple[OperatorRow, ...]


class OperatorMade(msgspec.Struct, frozen=True):
    """A new operator. `totp_uri` is for an authenticator app and is shown this once."""

    row: OperatorRow
    totp_uri: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"OperatorMade({self.row!r})"


class AuditRow(msgspec.Struct, frozen=True):
    """One entry of the audit trail.

    `stage` is "asked", then "done", "refused" or "failed" with the number of the asked one as `act`.
    """

    seq: int
    time: int
    operator: str
    uid: int
    act: int
    stage: str
    method: str
    detail: str


class AuditList(msgspec.Struct, frozen=True):
    rows: tuple[AuditRow, ...]


class Attached(msgspec.Struct, frozen=True):
    """Who the server takes the client for. `may` are the methods of that role; other calls will be refused.

    `version` is the server's own.
    """

    operator: str
    role: Role
    demo: bool
    idle_s: int
    may: tuple[str, ...]
    version: str = ""


class Watching(msgspec.Struct, frozen=True):
    symbol: str


class WalletView(msgspec.Struct, frozen=True):
    """How the signer stands. Hexadecimal: what seals a passphrase to it, its standing key's proof, its record's head.

    `rows`, `head`, `chains` and `approvers` are empty while it is locked.
    """

    unlocked: bool
    memory_locked: bool
    box: str
    proof: str
    rows: int
    head: str
    chains: tuple[str, ...]
    approvers: tuple[str, ...]
