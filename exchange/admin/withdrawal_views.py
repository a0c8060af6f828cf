"""What operators are shown of money that leaves. Part of `wire`.

Amounts are plain decimal strings of the asset, but where the name says `units`: those are whole numbers of the chain's
smallest unit. Times are microseconds since 1970 in UTC.
"""

from __future__ import annotations

import msgspec


class WithdrawalRow(msgspec.Struct, frozen=True):
    """A withdrawal at a glance: `amount` is what its account pays, `fee` is part of that.

    `state` is the word of `core.transfers.WithdrawalState` in lower case. `approvals` of `needs` operators have
    approved. `txid` is that of its newest transaction, "" before there is one.
    """

    id: str
    account: int
    account_name: str
    asset: str
    network: str
    amount: str
    fee: str
    address: str
    state: str
    why: str
    approvals: int
    needs: int
    txid: str
    asked: int
    changed: int


class WithdrawalList(msgspec.Struct, frozen=True):
    """Newest first; `more`: ask again with the last row's id as `after`."""

    rows: tuple[WithdrawalRow, ...]
    more: bool = False


class ApprovalRow(msgspec.Struct, frozen=True):
    """An operator's word; `public_key` in hexadecimal."""

    operator: str
    public_key: str
    given: int


class AttemptView(msgspec.Struct, frozen=True):
    """One of the transactions of which only one can be mined. `fee_units` is the most that it pays the network."""

    id: str
    state: str
    txid: str
    fee_units: str
    handed: int


class WithdrawalView(msgspec.Struct, frozen=True):
    """A withdrawal and all about it. `content` is what an approval signs, byte for byte, as text."""

    row: WithdrawalRow
    content: str
    contract: str
    units: str
    approvals: tuple[ApprovalRow, ...]
    attempts: tuple[AttemptView, ...]
    note: str


class Approved(msgspec.Struct, frozen=True):
    """Your word was kept; so many more operators are needed."""

    id: str
    needed: int


class ApproverRow(msgspec.Struct, frozen=True):
    """A key that approves, or (`revoked` not 0) did."""

    operator: str
    public_key: str
    created: int
    revoked: int


class ApproverList(msgspec.Struct, frozen=True):
    rows: tuple[ApproverRow, ...]


class PayoutsRow(msgspec.Struct, frozen=True):
    """A chain's payouts: `stopped` says why they stand still, "" while they go; `under_way` payouts are not final."""

    chain: str
    stopped: str
    since: int
    waiting: int
    under_way: int


class PayoutsList(msgspec.Struct, frozen=True):
    rows: tuple[PayoutsRow, ...]


class VelocityRow(msgspec.Struct, frozen=True):
    """How much of an asset may be withdrawn; "0" is no limit. `left_*` is what was asked for in that time."""

    asset: str
    hour: str
    day: str
    account_hour: str
    account_day: str
    left_hour: str
    left_day: str


class VelocityList(msgspec.Struct, frozen=True):
    rows: tuple[VelocityRow, ...]


class Me(msgspec.Struct, frozen=True):
    """Who asks, as the server knows him."""

    operator: str
    uid: int
    role: str
