"""What all screens share: heading, verdict, search line and keys, and the actions behind the common keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from tui.screens.help import Help
from tui.screens.saving import Saving
from tui.seen import CodeNeeded, Seen
from tui.widgets.heading import Heading
from tui.widgets.keybar import Key, KeyBar
from tui.widgets.ladder import Ladder
from tui.widgets.search import Search
from tui.widgets.table import Table
from tui.widgets.verdict import Verdict

if TYPE_CHECKING:
    from tui.app import Dashboard

SCREENS: Final = (Key("1", "Overview"), Key("2", "Markets"), Key("3", "Payouts"))
COMMON: Final = (Key("/", "Find"), Key("e", "Export"), Key("?", "Help"), Key("q", "Quit"))


class Board(Screen[None]):
    """A screen that shows what has been seen, whole, whenever it is told to."""

    here: ClassVar[str]
    AUTO_FOCUS = "Table"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012  # Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "app.board('overview')", show=False),
        Binding("2", "app.board('markets')", show=False),
        Binding("3", "app.board('withdrawals')", show=False),
        Binding("slash", "find", show=False),
        Binding("e", "export", show=False),
        Binding("question_mark,f1", "help", show=False),
        Binding("a", "code", show=False),
        Binding("q", "app.quit", show=False),
        Binding("escape", "end_search", show=False),
    ]

    @property
    def dashboard(self) -> Dashboard:
        """The app that we are part of."""
        return self.app  # type: ignore[return-value]  # nobody else makes boards

    def compose(self) -> ComposeResult:
        """Heading and verdict above, search and keys below, the screen's own panels between."""
        yield Heading(self.here)
        yield Verdict()
        with Container(id="body"):
            yield from self.panels()
        yield Search()
        yield KeyBar()

    def panels(self) -> ComposeResult:
        """The middle of the screen."""
        raise NotImplementedError

    def keys(self, seen: Seen) -> Iterable[Key]:
        """The keys of this screen alone."""
        raise NotImplementedError

    def fill(self, seen: Seen) -> None:
        """Hand every panel of the middle what it shows."""
        raise NotImplementedError

    def show(self, seen: Seen) -> None:
        """Draw anew whatever is there: while a screen is built or taken down, that is not everything.

        Figures that may have aged are dimmed.
        """
        for heading in self.query(Heading):
            heading.show(seen)
        for verdict in self.query(Verdict):
            verdict.show(seen)
        self.query("#body").set_class(not seen.fresh(), "stale")
        self.fill(seen)
        sign_in = isinstance(seen.link, CodeNeeded)
        own = (Key("a", "Enter code"), *SCREENS) if sign_in else tuple(self.keys(seen))
        for bar in self.query(KeyBar):
            bar.show([*own, *COMMON])

    def on_screen_resume(self) -> None:
        """Catch up with what was seen while another screen was up."""
        self.show(self.dashboard.seen)

    def _table(self) -> Table:
        """The list that has the focus, or the screen's first."""
        return self.focused if isinstance(self.focused, Table) else self.query(Table).first()

    def action_find(self) -> None:
        self.query_one(Search).open(self._table())

    def action_end_search(self) -> None:
        self._table().seek("")

    def action_export(self) -> None:
        listed = self.focused if isinstance(self.focused, Ladder) else self._table()
        self.app.push_screen(Saving(str(listed.id), listed.header(), listed.records()))

    def action_help(self) -> None:
        self.app.push_screen(Help())

    def action_code(self) -> None:
        self.dashboard.ask_code()
