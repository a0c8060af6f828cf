"""What the commands about chains and deposits do: ask at the desk, and print the answer."""

from __future__ import annotations

import argparse

from exchange.admin import wire
from exchange.cli_people.desk import Desk, pages
from exchange.cli_people.tables import date, say, table


async def list_chains(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange chain list`."""
    rows = [row for row in (await desk.call(wire.ListChains())).rows if arguments.match in row.name]
    lines = [
        (row.name, row.family, row.following, date(row.since), row.height, row.tip, row.addresses, row.words)
        for row in rows
    ]
    heads = ("chain", "family", "is", "since", "read", "tip", "addresses", "why")
    table(heads, lines, as_csv=arguments.csv)
    if not arguments.csv:
        for row in rows:
            for alarm in row.alarms:
                say(f"ALARM {row.name}: {alarm}")


async def resume_chain(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange chain resume`."""
    row = await desk.call(wire.ResumeChain(arguments.name))
    say(f"{row.name} goes on from block {row.height}.")


async def close_alarms(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange chain seen`."""
    row = await desk.call(wire.CloseAlarms(arguments.name))
    say(f"{row.name}: no open alarms but these: {'; '.join(row.alarms) or 'none'}")


async def list_deposits(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange deposit list`."""

    def ask(last: wire.DepositRow | None) -> wire.ListDeposits:
        return wire.ListDeposits(arguments.account, arguments.state, last.number if last else 0)

    rows = [
        (row.chain, row.key, row.account, row.asset, row.amount, row.state, row.height or "", date(row.seen), row.why)
        async for page in pages(desk, ask)
        for row in page
        if arguments.match in row.chain or arguments.match in row.key
    ]
    heads = ("chain", "key", "account", "asset", "amount", "state", "block", "seen", "why")
    table(heads, rows, as_csv=arguments.csv)


async def explain_deposit(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange deposit explain`."""
    for row in (await desk.call(wire.ExplainDeposit(arguments.txid))).rows:
        whose = f" of {row.account}" if row.account else ""
        say(f"{row.chain} {row.key or arguments.txid}{whose}: {row.state}")
        blocks = f" ({row.confirmations} of {row.needed} confirmations)" if row.needed else ""
        say(f"  why:    {row.why}{blocks}")
        say(f"  advice: {row.advice}")
