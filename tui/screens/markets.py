"""Markets: the list, the ladder and the trades of one, and its phases to change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from exchange.admin.wire import Phase, SetPhase
from tui.screens.board import Board
from tui.screens.phase import PhaseDialog
from tui.seen import Seen
from tui.text import plain
from tui.widgets.keybar import Key
from tui.widgets.ladder import Ladder
from tui.widgets.lists import MarketList, Tape
from tui.widgets.table import Table
from tui.words import PHASE_NAME

PHASE_KEYS: Final[tuple[tuple[str, str, Phase], ...]] = (
    ("h", "Halt", "HALTED"),
    ("o", "Open", "OPEN"),
    ("c", "Cancel-only", "CANCEL_ONLY"),
    ("p", "Post-only", "POST_ONLY"),
)


class Markets(Board):
    """Moving the cursor of the list chooses the market; the keys act on that one."""

    here = "Markets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"phase('{phase}')", show=False) for key, _, phase in PHASE_KEYS
    ]

    def panels(self) -> ComposeResult:
        """Lists on the left, the ladder on the right."""
        with Horizontal():
            with Vertical(id="lists"):
                yield MarketList()
                yield Tape()
            yield Ladder()

    def keys(self, seen: Seen) -> Iterable[Key]:
        """The four phases; one that cannot be asked for now says why."""
        return [Key(key, does, self.not_now(seen, phase)) for key, does, phase in PHASE_KEYS]

    def not_now(self, seen: Seen, phase: Phase) -> str:
        """Why the market looked at cannot be brought into `phase`, or ""."""
        row = seen.market()
        if forbidden := seen.forbidden(SetPhase.method):
            return forbidden
        if row is None:
            return "no market chosen"
        return f"{plain(row.symbol)} is {PHASE_NAME[phase]} already" if row.phase == phase else ""

    def fill(self, seen: Seen) -> None:
        """Both lists and the ladder."""
        for markets in self.query(MarketList):
            markets.show_seen(seen)
        for tape in self.query(Tape):
            tape.show_trades(seen.trades)
        for ladder in self.query(Ladder):
            ladder.show(seen)

    def on_mount(self) -> None:
        """Begin at the market that was chosen on the other screen."""
        self._follow()

    def on_screen_resume(self) -> None:
        """Come back to it, too. Textual calls this before the board's own."""
        self._follow()

    def _follow(self) -> None:
        for markets in self.query(MarketList):
            markets.point(self.dashboard.seen.symbol)

    def on_table_moved(self, event: Table.Moved) -> None:
        """The cursor went to another market."""
        if isinstance(event.table, MarketList):
            self.dashboard.choose(event.key)

    def action_phase(self, phase: Phase) -> None:
        """Ask for a reason and a yes, then bring the market into `phase`; or say why not."""
        seen = self.dashboard.seen
        row = seen.market()
        if row is None or (reason := self.not_now(seen, phase)):
            self.dashboard.tell(f"Nothing done: {reason if row else 'no market chosen'}.", done=False)
            return
        who = seen.me.operator if seen.me else ""
        self.app.push_screen(PhaseDialog(row, phase, who), self._decided)

    def _decided(self, ask: SetPhase | None) -> None:
        if ask is not None:
            self.dashboard.set_phase(ask)
