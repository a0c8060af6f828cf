"""The top line: which screen this is, who is looking, and the server's clock."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from tui.ink import BOLD, BUTTON, NORMAL
from tui.seen import Seen
from tui.text import at, fit, plain

SCREENS = ("Overview", "Markets", "Payouts")


class Heading(Widget):
    """The keys 1 to 3 stand before the screens they lead to; the present one is reversed."""

    def __init__(self, here: str) -> None:
        super().__init__(id="heading")
        self._here = here
        self._right = ""

    def show(self, seen: Seen) -> None:
        """Take over the name and the time."""
        who = f"{plain(seen.me.operator, 24)} · {seen.me.role}" if seen.me else "nobody"
        clock = f"{at(seen.status.time)} UTC" if seen.status else ""
        self._right = f"{who}  {clock} "
        self.refresh()

    def render(self) -> Text:
        line = Text.assemble((" onebox  ", BOLD), no_wrap=True)
        for number, name in enumerate(SCREENS, 1):
            line.append(f" {number} {name} ", BUTTON if name == self._here else NORMAL)
        return line.append(fit(self._right, max(self.size.width - line.cell_len, 0), right=True))
