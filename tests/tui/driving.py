"""Drives the dashboard with a pilot, against a played server, at a given size, and reads the screen as text."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio
from rich.console import Console
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.server import Server, listening
from tui.app import Dashboard
from tui.messages import LinkChanged
from tui.seen import Gone, On

SHOTS = Path(__file__).parent / "shots"
SECOND = 0.01
PATIENCE_S = 120
"""Long enough for the busiest machine: it is only ever waited out by a test that fails."""


class Recorded(Dashboard):
    """Also keeps what is on the screen but briefly: notes, and every reason why a connection ended."""

    ends: list[str]
    notes: list[str]

    def notify(self, message: str, **how: Any) -> None:
        """As the dashboard's own."""
        super().notify(message, **how)
        self.notes.append(message)

    def on_link_changed(self, message: LinkChanged) -> None:
        """Textual calls this and the dashboard's own."""
        if isinstance(message.state, Gone):
            self.ends.append(message.state.why)


@dataclass
class Desk:
    """What a scenario has at hand."""

    app: Recorded
    pilot: Pilot[int]
    server: Server
    socket: Path
    seconds: list[float]
    """The clock by which figures age: one number, to be changed."""

    async def until(self, holds: Callable[[], object]) -> None:
        """Let the app work until this holds; a scenario that waits in vain fails."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    await self.pilot.pause(0.01)
        except TimeoutError:
            raise AssertionError(f"never came true; the screen is\n{self.text()}") from None
        await self.pilot.pause()

    async def shows(self, words: str) -> None:
        """Wait until these words are on the screen, or were in a note there: a busy machine may look too late."""
        await self.until(lambda: words in self.text() or any(words in note for note in self.app.notes))

    async def draws(self, words: str) -> None:
        """Wait until these very letters are on the screen."""
        await self.until(lambda: words in self.text())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, words: str) -> None:
        """These words instead of what was in the line, then Enter."""
        line = self.app.focused
        assert isinstance(line, Input)
        line.value = words
        await self.pilot.press("enter")

    def attached(self) -> bool:
        """Whether the first figures and markets have come, and are drawn."""
        seen = self.app.seen
        return isinstance(seen.link, On) and bool(seen.markets and seen.status) and not self.app._stale

    def text(self) -> str:
        """The screen, line by line, without colours."""
        width, height = self.app.size
        console = Console(
            width=width, height=height, file=io.StringIO(), record=True, force_terminal=True, legacy_windows=False
        )
        console.print(self.app.screen._compositor.render_update(full=True, screen_stack=self.app._background_screens))
        return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"


Scenario = Callable[[Desk], Awaitable[None]]


async def play(scenario: Scenario, server: Server | None = None, size: tuple[int, int] = (80, 24)) -> None:
    """Run a scenario against an attached dashboard; unless its server wants a code, then it starts at the prompt."""
    await trio.to_thread.run_sync(asyncio.run, _drive(scenario, server or Server(), size))


async def _drive(scenario: Scenario, server: Server, size: tuple[int, int]) -> None:
    seconds = [0.0]
    with tempfile.TemporaryDirectory(prefix="tui") as folder:
        socket = Path(folder) / "admin.sock"
        app = Recorded(socket, SECOND, lambda: seconds[0])
        app.ends, app.notes = [], []
        async with listening(server, socket), app.run_test(size=size, notifications=True) as pilot:
            desk = Desk(app, pilot, server, socket, seconds)
            if not server.code:
                await desk.until(desk.attached)
            await scenario(desk)


def same_as_shot(name: str, text: str) -> None:
    """Compare a screen with the one kept under this name; where none is kept yet, keep this one and fail.

    To renew a shot, delete its file and run the test twice; look at what changed before you commit it.
    """
    shot = SHOTS / f"{name}.txt"
    if not shot.exists():
        shot.parent.mkdir(exist_ok=True)
        shot.write_text(text)
        raise AssertionError(f"{shot.name} was not there; it is now: look at it, then run again")
    assert text == shot.read_text()
