"""Chains and deposits: how far each chain was read, what is wrong, and why a payment is not credited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from exchange.admin import wire
from exchange.admin.house import House, Refused
from exchange.admin.methods.accounts import checked_limit, find_account
from exchange.core.decimals import render
from exchange.core.market import Asset
from exchange.core.transfers import DepositState
from exchange.core.units import AccountId, AssetId
from exchange.custody import history
from exchange.custody.custody import Line
from exchange.custody.deposits import chain_rows, explainer
from exchange.custody.deposits.explainer import Explained
from exchange.custody.history import Shown
from exchange.custody.proof import reconcile_rows
from exchange.custody.proof.reconcile_rows import Reconciled

_ALARMS: Final = 20
_ALARM_CHARS: Final = 200
"""Of an alarm, where it stands among others."""
_STATES: Final = {state.name.lower(): int(state) for state in DepositState}


async def list_chains(house: House, _ask: wire.ListChains) -> wire.ChainList:
    """All chains of the settings."""
    return wire.ChainList(tuple(_row(house, line) for line in house.custody.lines.values()))


async def resume_chain(house: House, ask: wire.ResumeChain) -> wire.ChainRow:
    """Let a stopped chain go on."""
    line = _line(house, ask.name)
    await line.follower.resume()
    return _row(house, line)


async def close_alarms(house: House, ask: wire.CloseAlarms) -> wire.ChainRow:
    """The open alarms have been looked at; that a chain is stopped is not ended by looking."""
    line = _line(house, ask.name)
    now = house.clock.now()
    await house.custody.store.write(lambda db: chain_rows.close_alarms(db, ask.name, "", now))
    return _row(house, line)


async def list_deposits(house: House, ask: wire.ListDeposits) -> wire.DepositList:
    """Deposits, the newest first."""
    account = await find_account(house, ask.account) if ask.account else None
    state = _STATES.get(ask.state) if ask.state else None
    if ask.state and state is None:
        known = ", ".join(_STATES)
        raise Refused("bad_params", f"a deposit is {known}, and not {ask.state[:32]}. Nothing was changed.")
    limit, before = checked_limit(ask.limit), ask.before or None
    db = house.custody.store.reader
    found = history.deposits(db, account=account, state=state, before=before, limit=limit + 1)
    names = await house.sequencer.read(lambda all_: {one.id: one.name for one in all_.accounts.values()})
    assets = await house.sequencer.read(lambda all_: dict(all_.assets))
    return wire.DepositList(tuple(_deposit(one, names, assets) for one in found[:limit]), len(found) > limit)


async def show_reserves(house: House, _ask: wire.ShowReserves) -> wire.ReservesList:
    """The last comparison of each asset on each chain."""
    assets = await house.sequencer.read(lambda all_: {one.id: one.code for one in all_.assets.values()})
    found = reconcile_rows.newest(house.custody.store.reader)
    return wire.ReservesList(tuple(_compared(row, assets[row.asset]) for row in found))


def _compared(row: Reconciled, code: str) -> wire.ReservesRow:
    terms = msgspec.json.decode(row.terms, type=dict[str, str])
    block, said = (row.height, row.hash), (row.node, row.own)
    return wire.ReservesRow(code, row.chain, *block, *said, terms, wire.clean(row.verdict), row.time)


def _deposit(one: Shown, names: Mapping[AccountId, str], assets: Mapping[AssetId, Asset]) -> wire.DepositRow:
    row = one.row
    asset = assets.get(row.asset) if row.asset is not None else None
    return wire.DepositRow(
        number=one.number,
        chain=row.chain,
        key=row.key,
        account=names.get(row.account, "") if row.account is not None else "",
        asset=asset.code if asset is not None else "",
        amount=render(row.atoms, asset.decimals) if asset is not None else row.amount,
        state=DepositState(row.state).name.lower(),
        why=wire.clean(row.why),
        height=row.height,
        seen=row.seen,
    )


async def explain_deposit(house: House, ask: wire.ExplainDeposit) -> wire.DepositsExplained:
    """What is recorded of a transaction or, where nothing is, what each chain says of it."""
    txid = ask.txid.strip()
    if not 1 <= len(txid) <= explainer.MAX_TXID or not txid.isascii() or not txid.isprintable():
        raise Refused("bad_params", "a transaction's id has 1 to 128 letters and digits. Nothing was changed.")
    if not house.custody.lines:
        raise Refused("not_found", "no chain is followed: the settings name none. Nothing was changed.")
    db = house.custody.store.reader
    found = explainer.explain(db, txid)
    if not found:
        found = [await explainer.look(line.chain, db, txid) for line in house.custody.lines.values()]
        known = [one for one in found if one.state != "unknown"]
        found = known or found
    names = await house.sequencer.read(lambda state: {one.id: one.name for one in state.accounts.values()})
    return wire.DepositsExplained(tuple(_view(one, names) for one in found))


def alarm_sentences(house: House) -> tuple[str, ...]:
    """One for each chain with open alarms: how many there are, and the newest."""
    rows = [_row(house, line) for line in house.custody.lines.values()]
    return tuple(
        f"{row.name}: {one[:_ALARM_CHARS]}{f' (and {len(row.alarms) - 1} more)' if len(row.alarms) > 1 else ''}"
        for row in rows
        for one in row.alarms[:1]
    )


def _line(house: House, name: str) -> Line:
    line = house.custody.lines.get(name)
    if line is None:
        known = ", ".join(house.custody.lines) or "none"
        raise Refused("not_found", f"no chain is called {name[:32]} (there are: {known}). Nothing was changed.")
    return line


def _row(house: House, line: Line) -> wire.ChainRow:
    status = line.status
    open_alarms = chain_rows.alarms(house.custody.store.reader, status.name, _ALARMS)
    return wire.ChainRow(
        name=status.name,
        family=line.settings.family,
        following=status.following.value,
        words=wire.clean(status.words),
        since=status.since,
        height=status.height,
        tip=status.tip,
        addresses=len(line.pool.watched),
        alarms=tuple(wire.clean(f"{alarm.kind}: {alarm.text}") for alarm in open_alarms),
    )


def _view(one: Explained, names: Mapping[AccountId, str]) -> wire.DepositView:
    return wire.DepositView(
        chain=one.chain,
        key=one.key,
        account=names.get(one.account, "") if one.account is not None else "",
        state=one.state,
        why=wire.clean(one.why),
        advice=one.advice,
        confirmations=one.confirmations,
        needed=one.needed,
    )
