"""Where these commands ask: at the running server's admin socket or, the server stopped, in its house.

Either way the same functions answer, the same refusals come back, and the audit trail records who asked.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import trio

from exchange.admin import wire
from exchange.admin.acts import carry_out
from exchange.admin.client import AdminClient, Disconnected, NotServed, connect
from exchange.admin.house import Caller, House, Refused
from exchange.cli_people.tables import fail
from exchange.clock import SystemClock
from exchange.office.operators import Role
from exchange.settings import load

R = TypeVar("R")

SOCKET: Final = "admin.sock"
RETRY_SECONDS: Final = 0.2


class Desk(Protocol):
    """Where questions are asked."""

    async def call(self, ask: wire.Ask[R]) -> R:
        """The answer. Raises `Refused` or `Disconnected`."""
        ...


Work = Callable[[Desk, argparse.Namespace], Awaitable[None]]


class _Indoors:
    """A stopped server's house. Whoever can open the master key is its master; the trail names him."""

    def __init__(self, house: House) -> None:
        uid = os.getuid()
        known = house.operators.by_uid(uid)
        self._house = house
        self._caller = Caller(known.name if known else "", uid, Role.OPERATIONS, owns_folder=True)

    async def call(self, ask: wire.Ask[R]) -> R:
        return await carry_out(self._house, self._caller, ask)


def run_at_desk(work: Work, arguments: argparse.Namespace) -> int:
    """Do `work` and tell what was refused; the process's exit status."""
    try:
        trio.run(_at_desk, work, arguments)
    except Refused as refused:
        return fail(refused.text)
    except Disconnected as lost:
        return fail(f"{lost}. Whether it was done is unknown: look before you try again.")
    except PermissionError as error:
        where = error.filename or arguments.dir
        return fail(f"{where}: you may not open this; its owner and group may. Nothing was changed.")
    return 0


async def _at_desk(work: Work, arguments: argparse.Namespace) -> None:
    folder: Path = arguments.dir
    try:
        async with connect(folder / SOCKET) as client:
            await _attach(client)
            await work(client, arguments)
    except NotServed:
        await _in_house(work, arguments)


async def _in_house(work: Work, arguments: argparse.Namespace) -> None:
    """The same with the server stopped; `data/lock` sees to that."""
    from exchange.app import offline  # noqa: PLC0415  # half a second that only this needs

    folder: Path = arguments.dir
    failed = None
    async with offline(folder, load(folder), SystemClock()) as house:
        try:
            await work(_Indoors(house), arguments)
        except Refused as refused:
            failed = refused
    if failed is not None:  # raised out here, where no nursery wraps it
        raise failed


async def _attach(client: AdminClient) -> None:
    """Attach, asking for a code where one is needed."""
    try:
        await client.call(wire.Attach())
    except Refused as refused:
        if refused.code != "code_needed":
            raise
        await client.call(wire.Attach(_read_code()))


def _read_code() -> str:
    """The one-time code, typed unseen or read from a pipe; never from the command line."""
    if sys.stdin.isatty():
        return getpass.getpass("code from your authenticator app: ").strip()
    return sys.stdin.readline(64).strip()


async def pages(desk: Desk, ask: Callable[[Any], wire.Ask[Any]]) -> AsyncIterator[Sequence[Any]]:
    """All pages of a long list; `ask` is given the last row so far, or None."""
    last = None
    while True:
        try:
            page = await desk.call(ask(last))
        except Refused as refused:
            if refused.code != "too_many":
                raise
            await trio.sleep(RETRY_SECONDS)
            continue
        yield page.rows
        if not page.more:
            return
        last = page.rows[-1]
