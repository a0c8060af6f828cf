"""How an account and its key stand: what they may do, and whether anything is held against them."""

from __future__ import annotations

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.endpoints.account import Nothing
from exchange.api.endpoints.reading import holdings
from exchange.api.errors import Refused
from exchange.api.rooms import Rooms
from exchange.api.wire_standing import AccountStatus, KeyRestrictions, Locked, TradingStatus
from exchange.office.keys import Scope


async def status(rooms: Rooms, caller: Caller, request: Nothing) -> AccountStatus:
    """Normal; or Frozen, while a debt or an operator keeps the account from trading."""
    return AccountStatus("Frozen" if (await holdings(rooms, caller.account)).frozen else "Normal")


async def trading_status(rooms: Rooms, caller: Caller, request: Nothing) -> TradingStatus:
    """Whether the account is locked. Nobody is for how he trades: there are no such triggers."""
    return TradingStatus(Locked(is_locked=(await holdings(rooms, caller.account)).frozen))


async def restrictions(rooms: Rooms, caller: Caller, request: Nothing) -> KeyRestrictions:
    """What the key that signed this may do."""
    key = rooms.keyring.find(caller.api_key)
    if key is None:
        raise Refused(errors.BAD_KEY)
    return KeyRestrictions(
        ip_restrict=key.addresses is not None,
        create_time=key.created // 1000,
        enable_reading=Scope.READ in key.scopes,
        enable_withdrawals=Scope.WITHDRAW in key.scopes,
        enable_spot_and_margin_trading=Scope.TRADE in key.scopes,
    )
