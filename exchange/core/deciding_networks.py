"""Decide what concerns the ways in and out: networks, limits, what networks cost, and when payouts are shut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.core import commands as co
from exchange.core import events as ev
from exchange.core.deciding_transfers import Decision, fits
from exchange.core.networks import ALL_ASSETS, Network, TierLimit, network_error
from exchange.core.postings import FEES
from exchange.core.rejects import Reject
from exchange.core.units import MAX_STORED, Micros

if TYPE_CHECKING:
    from exchange.core.state import State


def set_network(state: State, now: Micros, command: co.SetNetwork) -> Decision:
    """A network is listed or changed; of one token on one chain there is one asset."""
    wish = command.network
    asset = state.assets.get(wish.asset)
    if asset is None:
        return Reject.UNKNOWN_ASSET
    twins = (one for one in state.networks.values() if (one.name, one.contract) == (wish.name, wish.contract))
    if any(one.asset != wish.asset for one in twins):
        return Reject.NAME_TAKEN
    if network_error(wish, asset.decimals) is not None:
        return Reject.BAD_RULES
    known = state.networks.get(wish.key)
    if known == wish:
        return []
    if known is not None and _another_thing(known, wish) and _in_use(state, known):
        return Reject.NETWORK_IN_USE
    return [ev.NetworkSet(now, wish)]


def _another_thing(known: Network, wish: Network) -> bool:
    return (known.contract, known.chain_decimals) != (wish.contract, wish.chain_decimals)


def _in_use(state: State, network: Network) -> bool:
    """Whether money may be underway over it."""
    alive = (one for one in state.withdrawals.values() if one.holds)
    return (
        network.deposits_open
        or network.withdrawals_open
        or any((one.asset, one.network) == network.key for one in alive)
    )


def set_tier_limit(state: State, now: Micros, command: co.SetTierLimit) -> Decision:
    """What a tier may withdraw; no more in a day than in a month."""
    if command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    if not 0 <= command.tier <= MAX_STORED or not 0 <= command.day <= command.month <= MAX_STORED:
        return Reject.BAD_RULES
    if state.tier_limits.get((command.tier, command.asset)) == TierLimit(command.day, command.month):
        return []
    return [ev.TierLimitSet(now, command.tier, command.asset, command.day, command.month)]


def book_network_cost(state: State, now: Micros, command: co.BookNetworkCost) -> Decision:
    """What a network took, out of the house's fees, which may run out: then the house owes itself."""
    if command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    known = state.costs.get(command.key)
    if known is not None:
        return [] if known == (command.asset, command.amount) else Reject.DUPLICATE_REFERENCE
    if not fits(command.amount) or state.available(FEES, command.asset) - command.amount < -(MAX_STORED >> 1):
        return Reject.BAD_AMOUNT
    return [ev.NetworkCostBooked(now, command.key, command.asset, command.amount)]


def set_payouts_shut(state: State, now: Micros, command: co.SetPayoutsShut) -> Decision:
    """Shut or open; what is so already stays, with its first reason."""
    if command.asset != ALL_ASSETS and command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    if (command.asset in state.payouts_shut) == command.shut:
        return []
    return [ev.PayoutsShutSet(now, command.asset, command.shut, command.reason)]


def open_epoch(state: State, now: Micros, command: co.OpenEpoch) -> Decision:
    """The next epoch begins; the one that has begun is no news."""
    if command.epoch == state.epoch:
        return []
    if command.epoch != state.epoch + 1:
        return Reject.BAD_TRANSITION
    return [ev.EpochOpened(now, command.epoch, command.reason)]
