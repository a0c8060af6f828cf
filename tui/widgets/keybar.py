"""The last line: what the keys do here, and why some do nothing now."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from rich.text import Text
from textual.widget import Widget

from tui.ink import BUTTON, DIM


class Key(NamedTuple):
    """A key, what it does in a word, and why it does not at present ("": it does)."""

    key: str
    does: str
    not_now: str = ""


def line(keys: Sequence[Key], width: int) -> Text:
    """The keys side by side. Neighbours that rest for one reason share it: `(h o c p: role auditor may look)`."""
    parts = []
    for reason, group in groupby(keys, key=lambda key: key.not_now):
        members = list(group)
        if reason and len(members) > 1:
            parts.append(Text(f"({' '.join(key.key for key in members)}: {reason})", DIM))
        elif reason:
            parts.append(Text(f"({members[0].key} {members[0].does})", DIM))
        else:
            parts += [Text.assemble((key.key, BUTTON), f" {key.does}") for key in members]
    roomy = sum(part.cell_len + 2 for part in parts) - 2 <= width
    return Text("  " if roomy else " ", no_wrap=True, overflow="ellipsis").join(parts)


class KeyBar(Widget):
    """Shows the keys it is given."""

    def __init__(self) -> None:
        super().__init__(id="keybar")
        self._keys: tuple[Key, ...] = ()

    @property
    def keys(self) -> tuple[Key, ...]:
        """What is shown."""
        return self._keys

    def show(self, keys: Sequence[Key]) -> None:
        """These are the keys now."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.refresh()

    def render(self) -> Text:
        return Text(" ").append_text(line(self._keys, self.size.width - 1))
