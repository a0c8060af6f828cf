"""What the commands about acts that wait for a second operator do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from exchange.admin import wire
from exchange.admin.house import Refused
from exchange.cli_people.desk import Desk
from exchange.cli_people.tables import date, say, table


async def list_acts(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange act list`."""
    wanted = arguments.match.casefold()
    lines = [
        (row.number, row.operator, row.method, row.params, date(row.asked), date(row.expires), _who(row.yours, row.may))
        for row in (await desk.call(wire.ListActs())).rows
        if wanted in f"{row.operator}\n{row.method}\n{row.params}".casefold()
    ]
    heads = ("act", "asked by", "what", "exactly", "asked", "until", "you")
    table(heads, lines, as_csv=arguments.csv)


def _who(yours: bool, may: bool) -> str:
    if yours:
        return "asked for it"
    return "may confirm it" if may else ""


async def confirm_act(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange act confirm`: what is confirmed is what was shown."""
    rows = (await desk.call(wire.ListActs())).rows
    row = next((one for one in rows if one.number == arguments.number), None)
    if row is None:
        raise Refused("not_waiting", f"no act {arguments.number} waits. Nothing was changed; see `exchange act list`.")
    say(f"act {row.number}, asked for by {row.operator} {date(row.asked)}: {row.method}")
    for name, value in msgspec.json.decode(row.params, type=dict[str, object]).items():
        say(f"  {wire.clean(name):16} {wire.clean(str(value))}")
    if not arguments.yes and _typed("type the word confirm: ") != "confirm":
        raise Refused("not_meant", "not confirmed. Nothing was changed.")
    done = await desk.call(wire.ConfirmAct(row.number, row.digest))
    say(f"done, in the name of {done.operator}:")
    for name, value in msgspec.json.decode(done.result, type=dict[str, object]).items():
        say(f"  {wire.clean(name):16} {wire.clean(str(value))}")


async def withdraw_act(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange act withdraw`."""
    row = await desk.call(wire.WithdrawAct(arguments.number))
    say(f"act {row.number} ({row.method}, asked for by {row.operator}) is not done.")


def _typed(prompt: str) -> str:
    """A line, typed or from a pipe."""
    return (input(prompt) if sys.stdin.isatty() else sys.stdin.readline(64)).strip()


VERBS: Final[dict[str, Callable[[Desk, argparse.Namespace], Awaitable[None]]]] = {
    "act list": list_acts,
    "act confirm": confirm_act,
    "act withdraw": withdraw_act,
}
"""What these commands do, by their full names."""
