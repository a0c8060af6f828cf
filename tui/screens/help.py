"""What the keys do and what the words mean, over whatever was on the screen."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.ink import BOLD, DIM

KEYS: Final = (
    ("1 2 3", "Overview, Markets, Payouts"),
    ("↑ ↓ PgUp PgDn", "move in a list; on Markets, choose the market"),
    ("Tab", "to the next list; / and e work on that one"),
    ("/", "find in the list while you type; Esc shows all"),
    ("e", "export the list as CSV to a file that you name"),
    ("h o c p", "halt, open, cancel-only, post-only; asks twice"),
    ("y r s", "on Payouts: how to approve; reject; confirm an act"),
    ("a", "enter your code, where the server asks for one"),
    ("?", "this page"),
    ("q", "quit; the exchange runs on"),
)

WORDS: Final = (
    ("open", "everything goes in"),
    ("post-only", "orders that only rest, and cancels; no trades"),
    ("cancel-only", "only cancels; nothing trades"),
    ("halted", "nothing, not even cancels; the book stands"),
    ("Ack p50, p99", "from arrival to disk, for 50 % and 99 % of orders"),
    ("Queue", "orders waiting; when full, new ones are refused"),
    ("Invariants", "must always hold; a broken one is an emergency"),
)


class Help(ModalScreen[None]):
    """Any of ?, Esc, Enter and q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q,enter", "app.pop_screen", show=False)]

    def compose(self) -> ComposeResult:
        """Two tables in one text."""
        page = Text()
        for heading, table in (("Keys", KEYS), ("Words", WORDS)):
            page.append(f"{heading}\n", BOLD)
            for word, meaning in table:
                page.append(f"  {word:<14} ", BOLD).append(f"{meaning}\n")
        with VerticalScroll(id="help") as box:
            box.border_title = "Help"
            yield Static(page.append("Esc closes this.", DIM))
