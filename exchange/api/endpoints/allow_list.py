"""What a trader can do for the safety of his money: an allow-list, taking back, freezing; what became of a deposit."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.api import errors
from exchange.api.auth import Caller
from exchange.api.endpoints.account import Nothing
from exchange.api.endpoints.custody import find_asset, refused
from exchange.api.errors import Refused, refusal_of
from exchange.api.rooms import Rooms
from exchange.api.wire_custody import AllowedAddress, DepositExplained
from exchange.api.wire_standing import AccountStatus
from exchange.core.commands import SetAccountFrozen
from exchange.custody.deposits.explainer import MAX_TXID, explain
from exchange.custody.desk import Denied
from exchange.custody.destinations import MAX_LABEL, Destination

FREEZE: Final = "by its owner"


class NewAddress(msgspec.Struct, frozen=True, kw_only=True):
    coin: str
    network: str | None = None
    address: str
    name: str = ""


class OldAddress(msgspec.Struct, frozen=True, kw_only=True):
    coin: str
    network: str | None = None
    address: str


class OneWithdrawal(msgspec.Struct, frozen=True):
    id: str


class OneTransaction(msgspec.Struct, frozen=True, rename="camel"):
    tx_id: str


async def allowed(rooms: Rooms, caller: Caller, request: Nothing) -> list[AllowedAddress]:
    """Your allow-list, the oldest address first."""
    return [_row(rooms, one) for one in rooms.desk.destinations(caller.account)]


async def allow(rooms: Rooms, caller: Caller, request: NewAddress) -> AllowedAddress:
    """Put an address on your allow-list. It may be used after a while; what stands there already stays as it is."""
    if len(request.name) > MAX_LABEL or not request.name.isprintable():
        raise Refused(errors.invalid("name"))
    asset = find_asset(rooms, request.coin)
    try:
        found = await rooms.desk.allow(caller.account, asset.id, request.network, request.address, request.name)
    except Denied as denied:
        raise refused(denied) from denied
    return _row(rooms, found)


async def forbid(rooms: Rooms, caller: Caller, request: OldAddress) -> list[AllowedAddress]:
    """Take an address off your allow-list, at once; what is left of it."""
    asset = find_asset(rooms, request.coin)
    try:
        await rooms.desk.forbid(caller.account, asset.id, request.network, request.address)
    except Denied as denied:
        raise refused(denied) from denied
    return await allowed(rooms, caller, Nothing())


def _row(rooms: Rooms, one: Destination) -> AllowedAddress:
    rules = rooms.desk.rules
    return AllowedAddress(
        address=one.address,
        coin=rooms.catalogue.assets[one.asset].code,
        name=one.label,
        network=one.chain,
        white_status=rooms.desk.usable(one),
        usable_from=(one.added + (rules.address_wait if rules.allow_list else 0)) // 1000,
    )


async def take_back(rooms: Rooms, caller: Caller, request: OneWithdrawal) -> OneWithdrawal:
    """Take a withdrawal back, which can be done until it is on its way; all of it is yours again."""
    try:
        await rooms.desk.cancel(caller.account, request.id)
    except Denied as denied:
        raise refused(denied) from denied
    return request


async def freeze(rooms: Rooms, caller: Caller, request: Nothing) -> AccountStatus:
    """Freeze your account at once: no new orders, no withdrawals, none begun; only an operator thaws it."""
    outcome = await rooms.sequencer.call(SetAccountFrozen(caller.account, True, FREEZE))
    if outcome.reject is not None:
        raise Refused(refusal_of(outcome.reject))
    return AccountStatus("Frozen")


async def explain_deposit(rooms: Rooms, caller: Caller, request: OneTransaction) -> list[DepositExplained]:
    """Where each payment to you of a transaction stands, why, and what can safely be done; empty: none that we know."""
    if len(request.tx_id) > MAX_TXID:
        raise Refused(errors.invalid("txId"))
    return [
        DepositExplained(
            network=one.chain,
            state=one.state,
            why=one.why,
            advice=one.advice,
            confirmations=one.confirmations,
            needed=one.needed,
        )
        for one in explain(rooms.desk.store.reader, request.tx_id, caller.account)
    ]
