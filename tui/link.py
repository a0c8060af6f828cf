"""Keeps the dashboard attached: opens the socket, signs in, asks, and comes back after every loss.

It knows no widget; what happens is posted as messages.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from textual.message import Message

from exchange.admin import wire
from tui.client import Client, Lost, Pushed, Refused, Unasked, connect, reason
from tui.messages import Heard, LeavingListed, LinkChanged, MarketsListed
from tui.seen import Attaching, CodeNeeded, Gone, LinkState, On
from tui.text import plain

R = TypeVar("R")

PAUSES_S: Final = (1, 2, 3, 5)
"""How long to wait before the first, second … try; the last one stays."""

POLL_S: Final = 1.0
"""How often the list of markets is asked for; changes of phase are pushed besides."""

LEAVING_POLLS: Final = 3
"""With every so many a poll goes one for withdrawals and chains."""

SETTLE_S: Final = 0.1
"""A cursor that runs through the list asks only for the market it stops at."""

DEPTH: Final = 50
"""Levels a side that are asked for: more than the tallest terminal shows."""

ASKS_AGAIN: Final = frozenset({"code_needed", "wrong_code", "wait"})
"""Refusals to attach that another code may overcome."""

EXPECTED: Final = (OSError, ValueError, msgspec.DecodeError, Refused, Lost)
"""What a server, or its absence, may do to a connection. Anything else is a bug here."""


class Link:
    """One at a time is attached; `run` never returns by itself."""

    def __init__(self, socket: Path, post: Callable[[Message], object], second: float = 1.0) -> None:
        """`second`: how long a second of waiting takes, so that tests need not wait."""
        self._socket = socket
        self._post = post
        self._second = second
        self._client: Client | None = None
        self._code: asyncio.Queue[str] = asyncio.Queue()
        self._symbol = ""
        self._tries = 0
        self._touched = 0.0

    async def run(self) -> None:
        """Attach, stay attached, and attach again."""
        while True:
            why, sent_away = await self._once()
            pause = PAUSES_S[min(self._tries, len(PAUSES_S) - 1)]
            self._tries += 1
            for left in range(pause, 0, -1):
                self._say(Gone(why, left, sent_away))
                await asyncio.sleep(self._second)

    def offer(self, code: str) -> None:
        """The operator typed this code. Without a connection at present, the next one begins with it."""
        self._code.put_nowait(code)

    def touch(self) -> None:
        """The operator is there: he pressed a key."""
        self._touched = time.monotonic()

    async def ask(self, ask: wire.Ask[R]) -> R:
        """As `Client.ask`; `Unasked` where nobody is attached."""
        if self._client is None:
            raise Unasked("not attached to the server")
        return await self._client.ask(ask)

    async def watch(self, symbol: str) -> None:
        """From here on hear of this market; also after reattaching."""
        self._symbol = symbol
        await asyncio.sleep(SETTLE_S)
        await self.ask(wire.Watch(symbol=symbol, depth=DEPTH))

    async def _once(self) -> tuple[str, bool]:
        """One connection from its first to its last byte; returns why it ended, and whether we were sent away."""
        self._say(Attaching())
        try:
            client = await connect(self._socket, self._heard)
        except OSError as error:
            return reason(error), isinstance(error, PermissionError)
        try:
            return await self._converse(client)
        finally:
            self._client = None
            client.close()

    async def _converse(self, client: Client) -> tuple[str, bool]:
        """Read and speak side by side until either ends; a server that hangs up ends both."""
        reading = asyncio.create_task(client.run())
        speaking = asyncio.create_task(self._speak(client))
        try:
            done, _ = await asyncio.wait({reading, speaking}, return_when=asyncio.FIRST_COMPLETED)
            failed = next((task.exception() for task in done if task.exception()), None)
            if failed is not None and not isinstance(failed, EXPECTED):
                raise failed
        finally:
            reading.cancel()
            speaking.cancel()
            await asyncio.gather(reading, speaking, return_exceptions=True)
        if client.farewell:
            return client.farewell, client.sent_away
        return (reason(failed), isinstance(failed, Refused)) if failed else ("the server hung up", False)

    async def _speak(self, client: Client) -> None:
        """Sign in, then keep the list of markets fresh.

        An answer that is late is waited for in the next round. Nothing is asked for an operator who has pressed no
        key for as long as the server lets him be idle, so that it ends his session as it means to.
        """
        me = await self._attach(client)
        await self._resume(client)
        self._client = client
        self._tries = 0
        self._say(On(me))
        self.touch()
        for round_ in itertools.count():
            if time.monotonic() - self._touched < me.idle_s:
                with suppress(TimeoutError, Refused):
                    self._post(MarketsListed((await client.ask(wire.ListMarkets())).rows))
                    if round_ % LEAVING_POLLS == 0 and wire.ListWithdrawals.method in me.may:
                        await self._ask_leaving(client)
            await asyncio.sleep(POLL_S)

    async def _ask_leaving(self, client: Client) -> None:
        """What leaves the house, and how the chains are."""
        listed = await client.ask(wire.ListWithdrawals())
        payouts = await client.ask(wire.ListPayouts())
        chains = await client.ask(wire.ListChains())
        acts = await client.ask(wire.ListActs())
        self._post(LeavingListed(listed.rows, payouts.rows, chains.rows, acts.rows))

    async def _resume(self, client: Client) -> None:
        """Hear of the same market as before, or of none if this server does not list it."""
        try:
            await client.ask(wire.Watch(symbol=self._symbol, depth=DEPTH))
        except Refused:
            await client.ask(wire.Watch())

    async def _attach(self, client: Client) -> wire.Attached:
        """Who we are to the server. It is tried without a code first, so that one is asked for only where it is due."""
        code = "" if self._code.empty() else self._code.get_nowait()
        while True:
            try:
                return await client.ask(wire.Attach(code=code))
            except Refused as refusal:
                if refusal.code not in ASKS_AGAIN:
                    raise
                self._say(CodeNeeded("" if not code else plain(str(refusal))))
                code = await self._code.get()

    def _heard(self, push: Pushed) -> None:
        self._post(Heard(push))

    def _say(self, state: LinkState) -> None:
        self._post(LinkChanged(state))
