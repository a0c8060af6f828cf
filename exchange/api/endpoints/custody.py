"""Deposits and withdrawals, as far as they are here: custody is not open yet, so nothing comes and nothing goes."""

from __future__ import annotations

import msgspec

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.errors import Refused
from exchange.api.parameters import Count, Decimal
from exchange.api.rooms import Rooms
from exchange.core.units import Micros


class AddressRequest(msgspec.Struct, frozen=True, kw_only=True):
    coin: str
    network: str | None = None
    amount: Decimal | None = None


class DepositsRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    include_source: bool = False
    coin: str | None = None
    status: Count | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None
    offset: Count = Count(0)
    limit: Count = Count(1_000)
    tx_id: str | None = None


class WithdrawalsRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    coin: str | None = None
    withdraw_order_id: str | None = None
    status: Count | None = None
    offset: Count = Count(0)
    limit: Count = Count(1_000)
    id_list: str | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None


class WithdrawRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    coin: str
    withdraw_order_id: str | None = None
    network: str | None = None
    address: str
    address_tag: str | None = None
    amount: Decimal
    transaction_fee_flag: bool = False
    name: str | None = None
    wallet_type: Count | None = None


async def deposit_address(rooms: Rooms, caller: Caller, request: AddressRequest) -> None:
    """Where to send coins: refused (-1020) until custody is open."""
    raise Refused(errors.not_here("deposits, until custody is open"))


async def deposits(rooms: Rooms, caller: Caller, request: DepositsRequest) -> list[object]:
    """Deposits of one's own: none, until custody is open."""
    return []


async def withdrawals(rooms: Rooms, caller: Caller, request: WithdrawalsRequest) -> list[object]:
    """Withdrawals of one's own: none, until custody is open."""
    return []


async def withdraw(rooms: Rooms, caller: Caller, request: WithdrawRequest) -> None:
    """Send coins away: refused (-1020) until custody is open."""
    raise Refused(errors.not_here("withdrawals, until custody is open"))
