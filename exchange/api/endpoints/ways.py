"""Ways in and out of coins as their owner sees them: terms, his tier's limits, and whether they are open now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from exchange.api.amounts import render
from exchange.api.rooms import Rooms
from exchange.api.wire_custody import CoinNetwork
from exchange.core.market import Asset
from exchange.core.networks import Network, TierLimit, limit_of, unit
from exchange.core.transfers import Withdrawal
from exchange.core.units import AccountId, Amount, AssetId
from exchange.custody.status import Following

SHUT = "Withdrawals of this asset are stopped for now."
CLOSED = "Closed for now."
NOT_FOLLOWED = "The chain is not being followed just now; nothing is lost."
_MOVING = {Following.FOLLOWING, Following.CATCHING_UP}


class Ways(msgspec.Struct, frozen=True):
    """All there is to know of one account's ways at one moment: the limits of its tier, and what is leaving."""

    networks: tuple[Network, ...]
    limits: dict[AssetId, TierLimit]
    shut: frozenset[AssetId]
    withdrawing: dict[AssetId, Amount]


async def ways_of(rooms: Rooms, account: AccountId) -> Ways:
    """An account's ways, as of one moment."""
    networks = tuple(await rooms.desk.networks())
    return await rooms.sequencer.read(
        lambda state: Ways(
            networks,
            {asset: limit_of(state.tier_limits, state.accounts[account].tier, asset) for asset in state.assets},
            frozenset(asset for asset in state.assets if state.shut(asset) is not None),
            _leaving(state.accounts[account].withdrawals.values()),
        )
    )


def _leaving(withdrawals: Iterable[Withdrawal]) -> dict[AssetId, Amount]:
    """What is held for withdrawals, by asset."""
    found: Counter[AssetId] = Counter()
    for one in withdrawals:
        if one.holds:
            found[one.asset] += one.amount
    return {asset: Amount(total) for asset, total in found.items()}


def coin_networks(rooms: Rooms, asset: Asset, ways: Ways) -> list[CoinNetwork]:
    """The networks of a coin; the first is what is meant where none is named."""
    mine = [one for one in ways.networks if one.asset == asset.id]
    return [_row(rooms, asset, one, ways, default=number == 0) for number, one in enumerate(mine)]


def _row(rooms: Rooms, asset: Asset, one: Network, ways: Ways, *, default: bool) -> CoinNetwork:
    line = rooms.desk.lines.get(one.name)
    followed = line is not None and line.status.following in _MOVING
    shut, smallest = asset.id in ways.shut, unit(asset.decimals, one.chain_decimals)
    pays = one.withdrawals_open and not shut and line is not None
    takes = one.deposits_open and line is not None
    return CoinNetwork(
        network=one.name,
        name=one.name,
        coin=asset.code,
        contract_address=one.contract,
        contract_address_url=rooms.desk.explorers.get(one.name, ""),
        is_default=default,
        deposit_enable=takes,
        deposit_desc="" if takes else CLOSED,
        deposit_dust=render(one.deposit_min, asset.decimals),
        withdraw_enable=pays,
        withdraw_desc="" if pays else SHUT if shut else CLOSED,
        withdraw_fee=render(one.withdrawal_fee, asset.decimals),
        withdraw_min=render(one.withdrawal_min, asset.decimals),
        withdraw_max=render(ways.limits[asset.id].day, asset.decimals),
        withdraw_integer_multiple=render(smallest, asset.decimals),
        min_confirm=one.confirmations[0][1],
        un_lock_confirm=one.confirmations[-1][1],
        busy=not followed,
        special_tips="" if followed else NOT_FOLLOWED,
    )
