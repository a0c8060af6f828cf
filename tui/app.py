"""The dashboard as a whole: hears the link, keeps what was seen, and shows it on three screens."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Event, Key
from textual.message import Message
from textual.theme import Theme

from exchange.admin import wire
from tui.client import Lost, Refused, Unasked
from tui.link import Link
from tui.messages import Acted, Heard, LeavingListed, LinkChanged, MarketsListed
from tui.screens.board import Board
from tui.screens.code import CodePrompt
from tui.screens.markets import Markets
from tui.screens.overview import Overview
from tui.screens.withdrawals import Withdrawals
from tui.seen import CodeNeeded, On, Seen
from tui.text import plain
from tui.words import PHASE_NAME

R = TypeVar("R")

REDRAW_S: Final = 0.1
"""However much is heard, the screen is drawn this often at most."""

READ_S: Final = 1.5
"""A note is taken for read after this long."""

# The terminal's own colours, so that light and dark ones both stay readable; red and green only ever underline
# what words or signs say too.
PLAIN = Theme(
    name="plain",
    ansi=True,
    primary="ansi_default",
    secondary="ansi_default",
    accent="ansi_default",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    warning="ansi_red",
    error="ansi_red",
    success="ansi_green",
    variables=dict.fromkeys(
        (
            *("ansi-background", "ansi-foreground", "border-blurred", "block-cursor-foreground"),
            *("block-cursor-background", "input-cursor-background", "input-cursor-foreground"),
            *("input-selection-background", "input-selection-foreground"),
            *("screen-selection-background", "screen-selection-foreground"),
        ),
        "ansi_default",
    ),
)


class Dashboard(App[int]):
    """Attached to the operators' socket for as long as it runs."""

    TITLE = "onebox exchange"
    CSS_PATH = Path(__file__).with_name("dashboard.tcss")
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, Any]] = {"overview": Overview, "markets": Markets, "withdrawals": Withdrawals}
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", show=False, priority=True)]

    def __init__(self, socket: Path, second: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        """`second`: how long the link takes a second of waiting to be; `clock`: seconds, for the age of figures."""
        super().__init__(ansi_color=True)
        self.register_theme(PLAIN)
        self.theme = PLAIN.name
        self.seen = Seen(plain(str(socket)), clock)
        self.link = Link(socket, self.post_message, second)
        self._stale = True
        self._code_due = False
        self._told = 0.0

    def on_mount(self) -> None:
        """Start to listen, and to draw. A terminal that is told to end is left as it was found."""
        if threading.current_thread() is threading.main_thread():
            for ending in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(ending, self.exit)
        self.run_worker(self.link.run(), name="link")
        self.set_interval(REDRAW_S, self._redraw)
        self.set_interval(1.0, self._touch)

    # -----------------------------------------------------------------------------------------
    # What is heard.

    def on_link_changed(self, message: LinkChanged) -> None:
        """The link came, went, or wants a code."""
        self.seen.link = message.state
        if isinstance(message.state, On):
            self.seen.me = message.state.me
        if isinstance(message.state, CodeNeeded):
            self._code_due = True
        elif isinstance(message.state, On) and isinstance(self.screen, CodePrompt):
            self.screen.dismiss(None)
        self._touch()

    async def on_event(self, event: Event) -> None:
        """Whoever presses keys is not idle, and has read what was told a while ago."""
        if isinstance(event, Key):
            self.link.touch()
            if time.monotonic() - self._told > READ_S:
                self.clear_notifications()
        await super().on_event(event)

    def on_heard(self, message: Heard) -> None:
        """Keep what is new; books and trades of a market that is no longer looked at are late."""
        seen = self.seen
        match message.push:
            case wire.Status() as status:
                seen.take_status(status)
            case wire.BookView() as book if book.symbol == seen.symbol:
                seen.book = book
            case wire.TradesView() as trades if trades.symbol == seen.symbol:
                seen.trades = trades
            case wire.PhaseChanged() as changed:
                seen.take_phase(changed)
            case wire.BookView() | wire.TradesView() | wire.Closing():
                return  # the link itself tells why it ended
        self._touch()

    def on_markets_listed(self, message: MarketsListed) -> None:
        """The markets as of now."""
        self.seen.markets = message.rows
        self._touch()

    def on_leaving_listed(self, message: LeavingListed) -> None:
        """What leaves, as of now."""
        seen = self.seen
        seen.withdrawals, seen.payouts, seen.chains = message.withdrawals, message.payouts, message.chains
        seen.acts = message.acts
        self._touch()

    def on_acted(self, message: Acted) -> None:
        """Tell what became of an act."""
        self.tell(message.sentence, message.done)

    # -----------------------------------------------------------------------------------------
    # What is done.

    def tell(self, sentence: str, done: bool) -> None:
        """A note over the screen; one that something was not done stays longer. A key takes read ones away."""
        self._told = time.monotonic()
        self.notify(
            plain(sentence),
            severity="information" if done else "error",
            timeout=6 if done else 20,
            markup=False,
        )

    def choose(self, symbol: str) -> None:
        """Look at this market."""
        if symbol and symbol != self.seen.symbol:
            self.seen.choose(symbol)
            self._touch()
            self._work(self._watch(symbol), "watch")

    def set_phase(self, ask: wire.SetPhase) -> None:
        """Ask the server for it; the answer is told when it comes."""
        self.notify(f"Asked: {plain(ask.symbol)} to {PHASE_NAME[ask.phase]} …", timeout=2, markup=False)
        asked = f"{ask.symbol} to {PHASE_NAME[ask.phase]}"
        self._work(self._act(ask, asked, lambda row: f"{row.symbol} is {PHASE_NAME[row.phase]} now"), "act")

    def reject(self, ask: wire.RejectWithdrawal) -> None:
        """The same for a withdrawal."""
        self._work(self._act(ask, f"reject {ask.id}", lambda row: f"{row.id} is {row.state}"), "act")

    def confirm(self, ask: wire.ConfirmAct) -> None:
        """The same for an act that another operator asked for."""
        asked = f"confirm act {ask.number}"
        self._work(self._act(ask, asked, lambda done: f"act {done.number}, {done.method} of {done.operator}"), "act")

    def ask_code(self) -> None:
        """Open the prompt for the code, if one is wanted."""
        wanted = self.seen.link
        self._code_due = False
        if isinstance(wanted, CodeNeeded):
            self.push_screen(CodePrompt(wanted.text), self._offer)

    def action_board(self, name: str) -> None:
        """To another screen."""
        self.switch_mode(name)

    def _offer(self, code: str | None) -> None:
        if code is not None:
            self.link.offer(code)

    def _work(self, work: Coroutine[Any, Any, Message | None], group: str) -> None:
        """Run beside the screen, and post what comes of it."""

        async def posting() -> None:
            if (message := await work) is not None:
                self.post_message(message)

        self.run_worker(posting(), group=group, exclusive=group == "watch")

    async def _watch(self, symbol: str) -> Message | None:
        try:
            await self.link.watch(symbol)
        except Lost:
            return None  # the link asks again when it is back
        except TimeoutError:
            return Acted(f"The server is slow to show {symbol}.", done=False)
        except Refused as refusal:
            return Acted(f"Cannot watch {symbol}: {refusal}", done=False)
        return None

    async def _act(self, ask: wire.Ask[R], asked: str, done: Callable[[R], str]) -> Message:
        try:
            result = await self.link.ask(ask)
        except Refused as refusal:
            unknown = refusal.code == "unknown"
            return Acted(f"{'UNKNOWN whether done' if unknown else 'Refused'}, {asked}: {refusal}", done=False)
        except Unasked as error:
            return Acted(f"Nothing done, {asked}: {error}.", done=False)
        except (Lost, TimeoutError) as error:
            why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            return Acted(f"UNKNOWN whether done, {asked}: {why}. Look before you try again.", done=False)
        return Acted(f"Done: {done(result)}.", done=True)

    # -----------------------------------------------------------------------------------------
    # What is drawn.

    def _touch(self) -> None:
        self._stale = True

    def _redraw(self) -> None:
        """Draw if anything was heard. Under a dialog the board goes on living, and no other dialog interrupts it."""
        if self._code_due and isinstance(self.screen, Board):
            self.ask_code()
        if not self._stale:
            return
        self._stale = False
        for screen in self.screen_stack:
            if isinstance(screen, Board) and screen.is_mounted:
                screen.show(self.seen)


def main(socket_path: str) -> int:
    """Run the dashboard on this terminal until the operator quits. Returns the exit status."""
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__)):
        sys.stderr.write("exchange tui needs a terminal.\n")
        return 2
    app = Dashboard(Path(socket_path))
    app.run(mouse=False)
    return app.return_code or 0
