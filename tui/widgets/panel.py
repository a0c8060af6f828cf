"""A framed piece of screen with a title, and the lines that its kind of panel makes of what has been seen."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from tui.ink import BOLD
from tui.seen import Seen
from tui.text import fit


class Panel(Widget):
    """Draws `lines` anew whenever it is shown something."""

    title = ""

    def __init__(self) -> None:
        super().__init__(id=type(self).__name__.lower())
        self.border_title = self.title
        self._seen: Seen | None = None

    def show(self, seen: Seen) -> None:
        """Draw what has been seen."""
        self._seen = seen
        self.refresh()

    def render(self) -> Text:
        """The lines, cut to the panel."""
        if self._seen is None:
            return Text()
        return Text("\n", no_wrap=True, overflow="crop").join(self.lines(self._seen))

    def lines(self, seen: Seen) -> Iterable[Text]:
        """What the panel says, a Text a line, no wider than `self.size.width`."""
        raise NotImplementedError

    def pair(self, name: str, figure: str, style: Style = BOLD) -> Text:
        """A name on the left and its figure on the right, across the panel."""
        room = max(self.size.width - len(name) - 1, 0)
        return Text.assemble(f"{name} ", (fit(figure, room, right=True), style))
