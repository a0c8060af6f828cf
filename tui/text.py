"""Words and figures as the screen shows them. Text from outside is made harmless; amounts pass through as they came."""

from __future__ import annotations

import time
import unicodedata
from typing import Final

from rich.cells import cell_len, set_cell_size

_SECOND: Final = 1_000_000
_UNSEEN: Final = "\N{REPLACEMENT CHARACTER}"
# Controls, invisible formats (which may turn the reading direction), lone surrogates, private and unassigned
# code points, line breaks, and marks that pile up on their neighbours.
_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me", "Mc"})


def plain(words: str, limit: int = 500) -> str:
    """These words without anything that a terminal would obey, at most `limit` characters.

    An escape character is shown as ␛ and other controls alike; what has no picture becomes �.
    """
    short = words if len(words) <= limit else words[: limit - 1] + "…"
    if short.isascii() and short.isprintable():
        return short
    return "".join(map(_harmless, unicodedata.normalize("NFC", short)))


def _harmless(letter: str) -> str:
    if letter < " ":
        return chr(0x2400 + ord(letter))
    if unicodedata.category(letter) in _HARMFUL:
        return _UNSEEN
    return " " if letter.isspace() else letter


def fit(words: str, width: int, *, right: bool = False) -> str:
    """Exactly `width` terminal cells: filled up with blanks, or cut with an ellipsis."""
    length = cell_len(words)
    if length > width:
        return set_cell_size(words, width - 1) + "…" if width > 0 else ""
    gap = " " * (width - length)
    return gap + words if right else words + gap


def lasted(micros: int | None) -> str:
    """A short stretch of time: `850 µs`, `12.3 ms`, `1.23 s`; `–` where there is none."""
    if micros is None:
        return "–"
    if micros < 1_000:
        return f"{micros} µs"
    if micros < _SECOND:
        return f"{micros // 1_000}.{micros % 1_000 // 100} ms"
    return f"{micros // _SECOND}.{micros % _SECOND // 10_000:02} s"


def ago(micros: int) -> str:
    """An age: `0.4 s`, `12 s`, `4 min`, `3 h 12 min`, `5 d 2 h`; never negative, clocks differ."""
    micros = max(micros, 0)
    seconds = micros // _SECOND
    if seconds < 10:
        return f"{seconds}.{micros % _SECOND // 100_000} s"
    if seconds < 120:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if minutes < 60:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 24 else f"{days} d {hours % 24} h"


def at(micros: int) -> str:
    """The time of day in UTC, as `22:04:05`."""
    return time.strftime("%H:%M:%S", time.gmtime(micros // _SECOND))


def counted(number: int, noun: str) -> str:
    """`1 order`, `12,345 orders`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def uptime(seconds: int) -> str:
    """`04:05:06`, `3 d 04:05`."""
    minutes, hours, days = seconds // 60 % 60, seconds // 3_600 % 24, seconds // 86_400
    return f"{days} d {hours:02}:{minutes:02}" if days else f"{hours:02}:{minutes:02}:{seconds % 60:02}"
