"""Asks for the name of a file and writes a list to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.export import write_csv
from tui.ink import WRONG
from tui.text import counted, plain


class Saving(ModalScreen[None]):
    """The list is taken as it is when the dialog opens, so that nothing moves while a name is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]

    def __init__(self, name: str, header: Sequence[str], records: list[tuple[str, ...]]) -> None:
        super().__init__()
        self._name = name
        self._header = header
        self._records = records

    def compose(self) -> ComposeResult:
        """A box with a name that is free to change."""
        with Vertical(id="dialog") as box:
            box.border_title = "Export as CSV"
            yield Static(Text(f"{counted(len(self._records), 'row')} of {self._name}, into a new file:"))
            yield Input(time.strftime(f"{self._name}-%Y%m%d-%H%M%S.csv", time.gmtime()), id="file")
            yield Static(Text(f"in {plain(str(Path.cwd()))}\nEnter writes it, Esc does not."), id="hint")

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write, and say how it went; a name that cannot be used may be changed."""
        path = Path(event.value.strip())
        try:
            rows = await asyncio.to_thread(write_csv, path, self._header, self._records)
        except (OSError, ValueError, RuntimeError) as error:
            words = "that file is there already; choose another name" if isinstance(error, FileExistsError) else error
            self.query_one("#hint", Static).update(Text(plain(f"Not written: {words}."), WRONG))
            return
        self.dismiss()
        self.app.notify(plain(f"{counted(rows, 'row')} written to {path}"), markup=False)

    def action_close(self) -> None:
        self.dismiss()
