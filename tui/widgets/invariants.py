"""What must always be true, and the sentence of each rule that is broken."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text
from textual.geometry import Size

from tui.ink import DIM, WELL, WRONG
from tui.seen import Seen
from tui.text import ago, plain
from tui.widgets.panel import Panel


class Invariants(Panel):
    """One green line while all hold; as many red ones as there are sentences, as far as the panel goes."""

    title = "Invariants"

    def show(self, seen: Seen) -> None:
        broken = len(seen.status.violations) if seen.status else 0
        self.set_class(broken > 0, "broken")
        self.border_title = f"Invariants: {broken} BROKEN" if broken else "Invariants"
        super().show(seen)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  # as Textual asks
        """A line, and one for each of the sentences' lines; the style sheet says how many at most."""
        status = self._seen.status if self._seen else None
        return 1 + sum(len(_folded(plain(sentence), width)) for sentence in (status.violations if status else ()))

    def lines(self, seen: Seen) -> Iterable[Text]:
        status = seen.status
        if status is None or not status.checked:
            yield Text("not checked yet", DIM)
            return
        age = f"checked {ago(status.time - status.checked)} ago"
        if not status.violations:
            yield Text.assemble(("✔ ALL HOLD", WELL), f"  money adds up, holds match, books in order; {age}")
            return
        yield Text(f"✖ Halt the markets and find the cause; {age}.", WRONG)
        width, room = max(self.size.width, 10), self.size.height - 1
        lines = [line for sentence in status.violations for line in _folded(plain(sentence), width)]
        yield from lines if len(lines) <= room else lines[: room - 1]
        if len(lines) > room:
            yield Text(f"  and {len(lines) - room + 1} more lines; a taller window shows them", DIM)


def _folded(sentence: str, width: int) -> list[Text]:
    """A sentence over as many lines as it takes, the first with a dot."""
    step = width - 2
    pieces = [sentence[at : at + step] for at in range(0, len(sentence), step)] or [""]
    return [Text(("• " if not n else "  ") + piece) for n, piece in enumerate(pieces)]
