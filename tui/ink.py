"""The few ways in which words are set off. The colours are the terminal's own; each says only what words say too."""

from __future__ import annotations

from typing import Final

from rich.style import Style

NORMAL: Final = Style()
BOLD: Final = Style(bold=True)
DIM: Final = Style(dim=True)
BUTTON: Final = Style(bold=True, reverse=True)
GREEN: Final = Style(color="green")
RED: Final = Style(color="red")
WELL: Final = Style(color="green", bold=True)
WRONG: Final = Style(color="red", bold=True)
ALARM: Final = Style(color="red", bold=True, reverse=True)
