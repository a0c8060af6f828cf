"""Who may approve, what stands still and why, and how much may leave in how short a time."""

from __future__ import annotations

from functools import partial

import msgspec

from exchange.admin import wire
from exchange.admin.house import Caller, House, Refused
from exchange.admin.methods.withdrawals import checked_reason, from_hex
from exchange.core.decimals import Malformed, parse, render
from exchange.core.market import Asset
from exchange.core.units import AccountId, Amount
from exchange.custody.payouts import store as payout_store
from exchange.custody.payouts import withdrawal_rows, withdrawal_store
from exchange.custody.payouts.holds import Velocity
from exchange.office.approvers import Approver, ApproverRefused

_NOBODY = AccountId(0)


async def who_am_i(_house: House, caller: Caller, _ask: wire.WhoAmI) -> wire.Me:
    """The caller, as the kernel and the office know him."""
    return wire.Me(caller.operator, caller.uid, caller.role.value)


async def register_approver(house: House, caller: Caller, ask: wire.RegisterApprover) -> wire.ApproverRow:
    """The caller's own key, in the place of any earlier one."""
    try:
        made = house.approvers.register(caller.operator, from_hex(ask.public_key), from_hex(ask.proof))
    except ApproverRefused as refused:
        raise Refused("approver_refused", str(refused)) from refused
    return _approver(made)


async def revoke_approver(house: House, ask: wire.RevokeApprover) -> wire.ApproverRow:
    """An operator's key approves nothing more; what it approved stays."""
    try:
        return _approver(house.approvers.revoke(ask.operator))
    except ApproverRefused as refused:
        raise Refused("approver_refused", str(refused)) from refused


async def list_approvers(house: House, _ask: wire.ListApprovers) -> wire.ApproverList:
    """All keys, revoked ones too."""
    return wire.ApproverList(tuple(map(_approver, house.approvers.list())))


async def list_payouts(house: House, _ask: wire.ListPayouts) -> wire.PayoutsList:
    """The payouts of every chain."""
    return wire.PayoutsList(tuple(_row(house, chain) for chain in house.payments.withdrawals.chains))


async def stop_payouts(house: House, ask: wire.StopPayouts) -> wire.PayoutsRow:
    """Nothing more is paid on a chain until somebody resumes it."""
    _check(house, ask.chain)
    why, now = checked_reason(ask.reason), house.clock.now()
    await house.payments.store.write(partial(payout_store.stop, chain=ask.chain, why=why, now=now))
    return _row(house, ask.chain)


async def resume_payouts(house: House, ask: wire.ResumePayouts) -> wire.PayoutsRow:
    """Payouts go on."""
    _check(house, ask.chain)
    if not await house.payments.store.write(partial(payout_store.resume, chain=ask.chain)):
        raise Refused("not_stopped", f"payouts on {ask.chain} do not stand still. Nothing was changed.")
    house.payments.withdrawals.ring()
    return _row(house, ask.chain)


async def list_velocities(house: House, _ask: wire.ListVelocities) -> wire.VelocityList:
    """The limits of every asset that travels."""
    assets = await house.sequencer.read(
        lambda state: [state.assets[one] for one in sorted({asset for asset, _ in state.networks})]
    )
    return wire.VelocityList(tuple(_velocity(house, asset) for asset in assets))


async def set_velocity(house: House, ask: wire.SetVelocity) -> wire.VelocityRow:
    """New limits for an asset, each in the place of the one before; those of which nothing is said stay."""
    asset = await house.sequencer.read(lambda state: state.asset_by_code(ask.asset))
    if asset is None:
        raise Refused("not_found", f"no asset is called {ask.asset[:32]}. Nothing was changed.")
    said = {name: text for name in Velocity.__struct_fields__ if (text := getattr(ask, name)) is not None}
    if not said:
        raise Refused("bad_params", "say which limit is to change, and to what. Nothing was changed.")
    before = withdrawal_store.velocity(house.payments.store.reader, asset.id)
    limits = msgspec.structs.replace(before, **{name: _atoms(text, asset) for name, text in said.items()})
    await house.payments.store.write(partial(withdrawal_store.set_velocity, asset=asset.id, limits=limits))
    return _velocity(house, asset)


def _atoms(text: str, asset: Asset) -> Amount:
    amount = parse(text, asset.decimals)
    if isinstance(amount, Malformed):
        raise Refused("bad_amount", f"{text[:40]} is no amount of {asset.code}: {amount.value}. Nothing was changed.")
    return Amount(amount)


def _velocity(house: House, asset: Asset) -> wire.VelocityRow:
    reader = house.payments.store.reader
    limits = withdrawal_store.velocity(reader, asset.id)
    left = withdrawal_store.left(reader, asset.id, _NOBODY, house.clock.now())
    shown = (limits.hour, limits.day, limits.account_hour, limits.account_day, left.hour, left.day)
    return wire.VelocityRow(asset.code, *(render(amount, asset.decimals) for amount in shown))


def _check(house: House, chain: str) -> None:
    if chain not in house.payments.withdrawals.chains:
        known = ", ".join(house.payments.withdrawals.chains) or "none"
        raise Refused("not_found", f"no chain is called {chain[:32]} (there are: {known}). Nothing was changed.")


def _row(house: House, chain: str) -> wire.PayoutsRow:
    reader = house.payments.store.reader
    stop, (waiting, under_way) = withdrawal_rows.stop_of(reader, chain), withdrawal_rows.counts(reader, chain)
    return wire.PayoutsRow(chain, wire.clean(stop.why) if stop else "", stop.since if stop else 0, waiting, under_way)


def _approver(one: Approver) -> wire.ApproverRow:
    return wire.ApproverRow(one.operator, one.public_key.hex(), one.created, one.revoked)
