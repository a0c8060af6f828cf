"""What the commands about ways in and out do: ask at the desk, and print the answer."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from exchange.admin import wire
from exchange.cli_people.desk import Desk
from exchange.cli_people.tables import say, table

_NETWORK_HEADS: Final = (
    *("asset", "network", "contract", "decimals", "fee", "minimum", "deposit minimum", "confirmations"),
    *("automatic", "one person", "deposits", "withdrawals", "shut"),
)


async def list_networks(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange network list`."""
    rows = (await desk.call(wire.ListNetworks())).rows
    _show(_NETWORK_HEADS, map(_network_line, rows), 2, arguments)


def _network_line(row: wire.NetworkRow) -> tuple[object, ...]:
    costs = (row.withdrawal_fee, row.withdrawal_min, row.deposit_min, row.confirmations)
    doors = ("open" if is_open else "closed" for is_open in (row.deposits_open, row.withdrawals_open))
    limits = (row.automatic_limit, row.one_person_limit)
    return row.asset, row.network, row.contract, row.chain_decimals, *costs, *limits, *doors, row.shut


async def set_network(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange network set`."""
    steps = " ".join(arguments.confirmations) if arguments.confirmations else None
    row = await desk.call(
        wire.SetNetwork(
            asset=arguments.asset,
            network=arguments.network,
            contract=arguments.contract,
            chain_decimals=arguments.decimals,
            withdrawal_fee=arguments.fee,
            withdrawal_min=arguments.minimum,
            deposit_min=arguments.deposit_minimum,
            confirmations=steps,
            automatic_limit=arguments.automatic,
            one_person_limit=arguments.one_person,
            deposits_open=_door(arguments.deposits),
            withdrawals_open=_door(arguments.withdrawals),
        )
    )
    table(_NETWORK_HEADS, [_network_line(row)])


def _door(said: str | None) -> bool | None:
    return None if said is None else said == "open"


async def list_limits(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange tier list`."""
    rows = (await desk.call(wire.ListTierLimits())).rows
    _show(("tier", "asset", "24 hours", "30 days"), ((r.tier, r.asset, r.day, r.month) for r in rows), 2, arguments)


async def set_limit(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange tier limit`."""
    ask = wire.SetTierLimit(arguments.tier, arguments.asset, arguments.day, arguments.month)
    row = await desk.call(ask)
    say(f"tier {row.tier} may withdraw {row.day} {row.asset} in any 24 hours and {row.month} in any 30 days.")


async def list_fees(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange tier fees`."""
    rows = (await desk.call(wire.ListTierFees())).rows
    lines = ((row.tier, row.symbol, row.maker_fee_ppm, row.taker_fee_ppm) for row in rows)
    _show(("tier", "market", "maker ppm", "taker ppm"), lines, 2, arguments)


async def set_fees(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange tier fee`."""
    ask = wire.SetTierFees(arguments.tier, arguments.symbol, arguments.maker_ppm, arguments.taker_ppm)
    row = await desk.call(ask)
    said = f"tier {row.tier} pays {row.maker_fee_ppm} ppm as maker and {row.taker_fee_ppm} as taker in {row.symbol}"
    say(f"{said}, from the next trade on.")


async def set_tier(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange account tier`."""
    row = await desk.call(wire.SetAccountTier(arguments.account, arguments.tier))
    say(f"account {row.id} ({row.name}) is in tier {row.tier}: its fees and limits, from now on.")


async def list_shut(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange payouts list`."""
    found = await desk.call(wire.ListShut())
    _show(("asset", "shut because"), ((row.asset or "all", row.reason) for row in found.rows), 2, arguments)


async def shut(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange payouts shut`."""
    row = await desk.call(wire.SetPayoutsShut(arguments.asset, True, arguments.reason))
    say(f"payouts of {row.asset or 'all assets'} are shut: {row.reason}")


async def open_again(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange payouts open`."""
    row = await desk.call(wire.SetPayoutsShut(arguments.asset, False, arguments.reason, arguments.looked_up))
    rest = (await desk.call(wire.ListShut())).rows
    still = ", ".join(one.asset or "all" for one in rest) or "nothing"
    say(f"payouts of {row.asset or 'all assets'} are open; shut still: {still}.")


def _show(
    heads: tuple[str, ...], rows: Iterable[tuple[object, ...]], named: int, arguments: argparse.Namespace
) -> None:
    """Those rows that have what is looked for in their first `named` cells."""
    wanted = arguments.match.casefold()
    found = [row for row in rows if wanted in "\n".join(map(str, row[:named])).casefold()]
    table(heads, found, as_csv=arguments.csv)


WAYS: Final[dict[str, Callable[[Desk, argparse.Namespace], Awaitable[None]]]] = {
    "network list": list_networks,
    "network set": set_network,
    "tier list": list_limits,
    "tier limit": set_limit,
    "tier fees": list_fees,
    "tier fee": set_fees,
    "account tier": set_tier,
    "payouts list": list_shut,
    "payouts shut": shut,
    "payouts open": open_again,
}
"""Every command of this room by its full name."""
