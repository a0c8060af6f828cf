"""API keys: make one, list them, say from where one may be used, revoke one."""

from __future__ import annotations

from typing import Final

from exchange.admin import wire
from exchange.admin.house import House, Refused
from exchange.admin.methods.accounts import checked_limit, find_account
from exchange.core.units import AccountId, Micros
from exchange.office.keys import ApiKey, KeyRefused, Kind, parse_scopes

SCAN: Final = 1_000
"""Keys looked at in one go; trading goes on in between."""


async def create_key(house: House, ask: wire.CreateKey) -> wire.KeyMade:
    """A new key for an account; its secret is in this reply and nowhere else."""
    account = await find_account(house, ask.account)
    pem = ask.public_key_pem or None
    try:
        scopes = parse_scopes(ask.scopes)
        kind: Kind = "ed25519" if pem else "hmac"
        roaming = house.settings.demo  # B18 is off there, as the start-up text says
        new = house.keyring.create(account, scopes, kind, pem, ask.label, ask.addresses, roaming=roaming)
    except KeyRefused as refused:
        raise Refused("key_refused", str(refused)) from refused
    names = await _names(house, [new.key])
    return wire.KeyMade(_row(new.key, names, house.clock.now()), new.secret or "")


async def list_keys(house: House, ask: wire.ListKeys) -> wire.KeyList:
    """Keys, living, expired and revoked, sorted by key."""
    limit = checked_limit(ask.limit)
    account = await find_account(house, ask.account) if ask.account else None
    wanted, last, found = ask.match.casefold(), ask.after, list[wire.KeyRow]()
    while keys := house.keyring.list(account, last, SCAN):
        names = await _names(house, keys)
        found += [row for row in (_row(key, names, house.clock.now()) for key in keys) if wanted in _text(row)]
        if len(found) > limit:
            break
        last = keys[-1].api_key
    return wire.KeyList(tuple(found[:limit]), more=len(found) > limit)


def _text(row: wire.KeyRow) -> str:
    """What a search looks in."""
    return f"{row.api_key}\n{row.label}\n{row.account_name}".casefold()


async def limit_key(house: House, ask: wire.LimitKey) -> wire.KeyRow:
    """Say from which addresses a key may be used; open connections from elsewhere are refused from then on."""
    try:
        key = house.keyring.limit(ask.api_key, ask.addresses)
    except KeyRefused as refused:
        raise Refused("key_refused", str(refused)) from refused
    return _row(key, await _names(house, [key]), house.clock.now())


async def revoke_key(house: House, ask: wire.RevokeKey) -> wire.KeyRow:
    """Kill a key: it is refused from the moment this is recorded."""
    try:
        key = house.keyring.revoke(ask.api_key)
    except KeyRefused as refused:
        raise Refused("not_found", str(refused)) from refused
    return _row(key, await _names(house, [key]), house.clock.now())


async def _names(house: House, keys: list[ApiKey]) -> dict[AccountId, str]:
    """The names of the accounts that these keys belong to."""
    owners = {key.account for key in keys}
    return await house.sequencer.read(
        lambda state: {owner: state.accounts[owner].name for owner in owners if owner in state.accounts}
    )


def _row(key: ApiKey, names: dict[AccountId, str], now: Micros) -> wire.KeyRow:
    runs_out = key.use.runs_out
    return wire.KeyRow(
        api_key=key.api_key,
        account=key.account,
        account_name=wire.clean(names.get(key.account, "")),
        scopes=tuple(sorted(scope.value for scope in key.scopes)),
        kind=key.kind,
        label=wire.clean(key.label),
        created=key.created,
        revoked=key.revoked,
        addresses=key.addresses.texts if key.addresses is not None else (),
        last_used=key.use.last,
        expired=runs_out if runs_out <= now and not key.revoked else 0,
    )
