"""Replies about money that comes and goes. Amounts are plain decimal strings; statuses are the dialect's numbers."""

from __future__ import annotations

import msgspec


class CoinNetwork(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One way in and out of a coin; `withdraw_max` is what your tier may withdraw within 24 hours."""

    network: str
    name: str
    coin: str
    contract_address: str
    contract_address_url: str
    is_default: bool
    deposit_enable: bool
    deposit_desc: str
    deposit_dust: str
    withdraw_enable: bool
    withdraw_desc: str
    withdraw_fee: str
    withdraw_min: str
    withdraw_max: str
    withdraw_integer_multiple: str
    min_confirm: int
    un_lock_confirm: int
    busy: bool
    same_address: bool = False
    address_regex: str = ""
    memo_regex: str = ""
    special_tips: str = ""


class DepositAddress(msgspec.Struct, frozen=True):
    """Where to send: yours alone, for this coin, for good."""

    address: str
    coin: str
    network: str
    tag: str = ""
    url: str = ""


class DepositReply(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A deposit. `status` 0: waits for blocks, 1: credited, 2: its block is gone, 7: held, `info` says why."""

    id: str
    amount: str
    coin: str
    network: str
    status: int
    address: str
    address_tag: str = ""
    tx_id: str
    insert_time: int
    complete_time: int
    transfer_type: int = 0
    unlock_confirm: int
    confirm_times: str
    wallet_type: int = 0
    info: str = ""
    source_address: str = ""


class WithdrawalReply(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A withdrawal. `status` 1: cancelled, 2: awaits approval, 3: rejected, 4: on its way, 5: failed, 6: completed."""

    id: str
    amount: str
    transaction_fee: str
    coin: str
    status: int
    address: str
    tx_id: str
    apply_time: str
    network: str
    transfer_type: int
    withdraw_order_id: str = ""
    info: str = ""
    confirm_no: int = 0
    wallet_type: int = 0
    tx_key: str = ""
    complete_time: str = ""


class WithdrawalTaken(msgspec.Struct, frozen=True):
    id: str


class AllowedAddress(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An address of your allow-list; `white_status`: it may be used now. `usable_from` is when it may be."""

    address: str
    address_tag: str = ""
    coin: str
    name: str
    network: str
    origin: str = ""
    origin_type: str = "others"
    white_status: bool
    usable_from: int


class DepositExplained(msgspec.Struct, frozen=True, kw_only=True):
    """One payment of a transaction: where it stands, why, and what can safely be done."""

    network: str
    state: str
    why: str
    advice: str
    confirmations: int
    needed: int
