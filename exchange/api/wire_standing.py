"""Replies about how an account and its key stand."""

from __future__ import annotations

import msgspec


class AccountStatus(msgspec.Struct, frozen=True):
    data: str


class Locked(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`trigger_condition` would count unfilled, cancelled and tiny orders: here none of these lock anybody."""

    is_locked: bool
    planned_recover_time: int = 0
    trigger_condition: dict[str, int] = {}
    update_time: int = 0


class TradingStatus(msgspec.Struct, frozen=True):
    data: Locked


class KeyRestrictions(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a key may do. Much of what the dialect lists is not to be had here, by any key."""

    ip_restrict: bool
    create_time: int
    enable_reading: bool
    enable_withdrawals: bool = False
    enable_internal_transfer: bool = False
    enable_margin: bool = False
    enable_futures: bool = False
    permits_universal_transfer: bool = False
    enable_vanilla_options: bool = False
    enable_fix_api_trade: bool = False
    enable_fix_read_only: bool = False
    enable_spot_and_margin_trading: bool
    enable_portfolio_margin_trading: bool = False
