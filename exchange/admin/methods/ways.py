"""The ways in and out: networks and their terms, what tiers may withdraw, and payouts that are shut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.admin import wire
from exchange.admin.house import House, Refused, no
from exchange.core import commands as co
from exchange.core.decimals import Malformed, parse, render
from exchange.core.networks import ALL_ASSETS, Network, network_error
from exchange.core.units import Amount
from exchange.custody.payouts.forgotten import unknown
from exchange.custody.port import NodeFault

if TYPE_CHECKING:
    from exchange.core.market import Asset

MAX_REASON: Final = 200
_SHOWN: Final = 5
_SUMS: Final = ("withdrawal_fee", "withdrawal_min", "deposit_min", "automatic_limit", "one_person_limit")
_PLAIN: Final = ("contract", "chain_decimals", "deposits_open", "withdrawals_open")


async def list_networks(house: House, _ask: wire.ListNetworks) -> wire.NetworkList:
    """All of them."""
    return await house.sequencer.read(
        lambda state: wire.NetworkList(
            tuple(
                _row(one, state.assets[one.asset], state.shut(one.asset)) for _, one in sorted(state.networks.items())
            )
        )
    )


async def set_network(house: House, ask: wire.SetNetwork) -> wire.NetworkRow:
    """List or change one; what is wrong with it is told in words."""
    asset = await find_asset(house, ask.asset)
    known = await house.sequencer.read(lambda state: state.networks.get((asset.id, ask.network)))
    if known is None and ask.chain_decimals is None:
        text = f"{ask.network[:16]} is new to {asset.code}: say how many decimals it has there. Nothing was changed."
        raise Refused("bad_params", text)
    terms = known or Network(asset.id, ask.network, 0)
    terms = msgspec.structs.replace(terms, **_given(ask, asset))
    if terms.contract.startswith(("0x", "0X")):  # as chains of that family write it: another spelling is no other token
        terms = msgspec.structs.replace(terms, contract=terms.contract.lower())
    wrong = network_error(terms, asset.decimals)
    if wrong is not None:
        raise Refused("bad_rules", f"{wrong}. Nothing was changed.")
    outcome = await house.sequencer.call(co.SetNetwork(terms))
    if outcome.reject is not None:
        raise no(outcome.reject)
    return await house.sequencer.read(lambda state: _row(state.networks[terms.key], asset, state.shut(asset.id)))


def _given(ask: wire.SetNetwork, asset: Asset) -> dict[str, Any]:
    """What the question says of the terms."""
    found: dict[str, Any] = {name: getattr(ask, name) for name in _PLAIN if getattr(ask, name) is not None}
    for name in _SUMS:
        text = getattr(ask, name)
        if text is not None:
            found[name] = read_amount(text, asset)
    if ask.confirmations is not None:
        found["confirmations"] = tuple(_step(step, asset) for step in ask.confirmations.split())
    return found


def _step(text: str, asset: Asset) -> tuple[Amount, int]:
    """One of "0:2 1.5:6": from 1.5 on, 6 blocks."""
    amount, colon, blocks = text.partition(":")
    if not (colon and blocks.isascii() and blocks.isdigit() and len(blocks) < 10):
        raise Refused("bad_params", f"{text[:40]} is not AMOUNT:BLOCKS. Nothing was changed.")
    return read_amount(amount, asset), int(blocks)


async def list_limits(house: House, _ask: wire.ListTierLimits) -> wire.TierLimitList:
    """All of them."""
    return await house.sequencer.read(
        lambda state: wire.TierLimitList(
            tuple(
                wire.TierLimitRow(
                    tier,
                    state.assets[asset].code,
                    render(limit.day, state.assets[asset].decimals),
                    render(limit.month, state.assets[asset].decimals),
                )
                for (tier, asset), limit in sorted(state.tier_limits.items())
            )
        )
    )


async def set_limit(house: House, ask: wire.SetTierLimit) -> wire.TierLimitRow:
    """From now on; what was asked for in the windows counts."""
    asset = await find_asset(house, ask.asset)
    day, month = read_amount(ask.day, asset), read_amount(ask.month, asset)
    if not 0 <= ask.tier < 1_000 or day > month:
        raise Refused(
            "bad_params", "a tier is 0 to 999, and a day's limit no more than a month's. Nothing was changed."
        )
    outcome = await house.sequencer.call(co.SetTierLimit(ask.tier, asset.id, day, month))
    if outcome.reject is not None:
        raise no(outcome.reject)
    return wire.TierLimitRow(ask.tier, asset.code, render(day, asset.decimals), render(month, asset.decimals))


async def list_shut(house: House, _ask: wire.ListShut) -> wire.ShutList:
    """What is shut."""
    return await house.sequencer.read(
        lambda state: wire.ShutList(
            tuple(
                wire.ShutRow(state.assets[asset].code if asset else "", reason)
                for asset, reason in sorted(state.payouts_shut.items())
            ),
            state.epoch,
        )
    )


async def set_shut(house: House, ask: wire.SetPayoutsShut) -> wire.ShutRow:
    """Shut, or open again."""
    reason = ask.reason.strip()
    if not reason or len(reason) > MAX_REASON or not reason.isprintable():
        raise Refused("bad_reason", f"a reason has 1 to {MAX_REASON} printable characters. Nothing was changed.")
    asset = (await find_asset(house, ask.asset)).id if ask.asset else ALL_ASSETS
    if not ask.shut and asset == ALL_ASSETS:
        await _compare_with_signer(house, ask.looked_up)
    outcome = await house.sequencer.call(co.SetPayoutsShut(asset, ask.shut, reason))
    if outcome.reject is not None:
        raise no(outcome.reject)
    return await house.sequencer.read(lambda state: wire.ShutRow(ask.asset, state.payouts_shut.get(asset, "")))


async def _compare_with_signer(house: House, looked_up: int) -> None:
    """Custody's books may be an older copy's: nothing is opened for all before they know all that the signer signed."""
    if not house.signer.has_wallet:
        return
    try:
        rows = await unknown(house.payments.store, house.signer.recall)
    except NodeFault as fault:
        text = f"the signer's record must be compared with custody's books first, and {fault}"
        raise Refused("signer_locked", f"{text}. Nothing was changed; `exchange wallet unlock`.") from fault
    if len(rows) != looked_up:
        shown = "; ".join(
            f"{one.chain} {one.txid} for {' '.join(one.payments) or 'ourselves'}" for one in rows[:_SHOWN]
        )
        text = f"{len(rows)} that the signer signed are not in custody's books: {shown}"
        advice = f"Look each up on its chain, then say `--looked-up {len(rows)}`: what it pays is paid"
        raise Refused("signed_unknown", f"{text}. {advice}. Nothing was changed.")


async def find_asset(house: House, code: str) -> Asset:
    """The asset of that code; refused when there is none."""
    asset = await house.sequencer.read(lambda state: state.asset_by_code(code))
    if asset is None:
        raise Refused("not_found", f"no asset is called {code[:32]}. Nothing was changed.")
    return asset


def read_amount(text: str, asset: Asset) -> Amount:
    """An amount of the asset in atoms; refused when it is none."""
    amount = parse(text, asset.decimals)
    if isinstance(amount, Malformed):
        raise Refused("bad_amount", f"{text[:40]} is no amount of {asset.code}: {amount.value}. Nothing was changed.")
    return Amount(amount)


def _row(one: Network, asset: Asset, shut: str | None) -> wire.NetworkRow:
    steps = (f"{render(least, asset.decimals)}:{blocks}" for least, blocks in one.confirmations)
    return wire.NetworkRow(
        asset=asset.code,
        network=one.name,
        contract=one.contract,
        chain_decimals=one.chain_decimals,
        **{name: render(getattr(one, name), asset.decimals) for name in _SUMS},
        confirmations=" ".join(steps),
        deposits_open=one.deposits_open,
        withdrawals_open=one.withdrawals_open,
        shut=shut or "",
    )
