"""What operators are shown of chains, deposits and reserves. Part of `wire`."""

from __future__ import annotations

import msgspec


class ChainRow(msgspec.Struct, frozen=True):
    """A chain at a glance. `following`: starting, following, catching up, waiting or stopped; `words` say why.

    `height` is the newest block that was read, `tip` the node's newest. `alarms` are open ones, the newest first.
    """

    name: str
    family: str
    following: str
    words: str
    since: int
    height: int
    tip: int
    addresses: int
    alarms: tuple[str, ...]


class ReservesRow(msgspec.Struct, frozen=True):
    """The last comparison of an asset on a chain, at a block; `verdict` is empty where all agreed.

    `node` and `own` (what our books say) are in the asset's finest unit, as is each of `terms` that is of the chain.
    """

    asset: str
    chain: str
    height: int
    hash: str
    node: str
    own: str
    terms: dict[str, str]
    verdict: str
    time: int


class ReservesList(msgspec.Struct, frozen=True):
    rows: tuple[ReservesRow, ...]


class ChainList(msgspec.Struct, frozen=True):
    rows: tuple[ChainRow, ...]


class DepositRow(msgspec.Struct, frozen=True):
    """A deposit at a glance. `amount` is the ledger's; of what is not listed it is in the chain's smallest unit.

    `account` and `asset` are "" where there is none. `number` counts them in the order in which they were seen.
    """

    number: int
    chain: str
    key: str
    account: str
    asset: str
    amount: str
    state: str
    why: str
    height: int
    seen: int


class DepositList(msgspec.Struct, frozen=True):
    """The newest first; `more`: there are others, older than these."""

    rows: tuple[DepositRow, ...]
    more: bool


class DepositView(msgspec.Struct, frozen=True):
    """Why a payment is, or is not, credited, and what can safely be done. `account` is "" where it is nobody's.

    It has so many `confirmations` and needs `needed` (0: it waits for something else).
    """

    chain: str
    key: str
    account: str
    state: str
    why: str
    advice: str
    confirmations: int
    needed: int


class DepositsExplained(msgspec.Struct, frozen=True):
    rows: tuple[DepositView, ...]
