"""The book of one market as a ladder: asks above, bids below, the spread between, depth as bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate
from typing import Final

from rich.text import Text

from exchange.admin.wire import BookView, Level
from tui.ink import BOLD, BUTTON, DIM, GREEN, RED
from tui.seen import Seen
from tui.text import fit, plain
from tui.widgets.panel import Panel
from tui.words import PHASE_EFFECT, PHASE_NAME

HEADER: Final = ("side", "price", "quantity", "orders", "depth")
ROOMY: Final = 44
"""Cells from which on the number of orders has its column too."""


def rows(book: BookView, most: int) -> list[tuple[str, Level, Decimal]]:
    """Up to `most` levels a side from the highest price down, each with all that rests from the best one to it."""
    asks = [("ask", level, depth) for level, depth in _depths(book.asks[:most])]
    return [*reversed(asks), *(("bid", level, depth) for level, depth in _depths(book.bids[:most]))]


def _depths(levels: Sequence[Level]) -> Iterable[tuple[Level, Decimal]]:
    return zip(levels, accumulate(Decimal(level.quantity) for level in levels), strict=True)


def spread(book: BookView) -> str:
    """The best ask less the best bid, exact; "" where a side is empty."""
    return f"{Decimal(book.asks[0].price) - Decimal(book.bids[0].price):f}" if book.asks and book.bids else ""


class Ladder(Panel, can_focus=True):
    """As many levels as the panel is tall, the spread in its middle."""

    title = "Book"

    def show(self, seen: Seen) -> None:
        row = seen.market()
        if row is None:
            self.border_title = Text("Book")
        else:
            title = Text(f"{plain(row.symbol)} · {PHASE_NAME[row.phase]}")
            self.border_title = title
        super().show(seen)

    def header(self) -> tuple[str, ...]:
        """The columns of an export."""
        return HEADER

    def records(self) -> list[tuple[str, ...]]:
        """What is shown, for an export."""
        book = self._seen.book if self._seen else None
        most = self._levels()
        shown = rows(book, most) if book else []
        return [(side, lv.price, lv.quantity, str(lv.orders), f"{depth:f}") for side, lv, depth in shown]

    def _levels(self) -> int:
        return max((self.size.height - 2) // 2, 1)

    def lines(self, seen: Seen) -> Iterable[Text]:
        row, book = seen.market(), seen.book
        if row is None or book is None:
            yield Text("waiting for the book …" if seen.symbol else "no market chosen", DIM)
            return
        most = self._levels()
        levels = rows(book, most)
        widths = self._widths(levels)
        yield self._cells(("Price", "Quantity", "Orders"), widths).append(" Depth")
        asks = [entry for entry in levels if entry[0] == "ask"]
        deepest = max((depth for _, _, depth in levels), default=Decimal(0))
        yield from (Text() for _ in range(most - len(asks)))
        yield from (self._level(entry, widths, deepest) for entry in asks)
        yield self._middle(book)
        yield from (self._level(entry, widths, deepest) for entry in levels[len(asks) :])

    def _widths(self, levels: Sequence[tuple[str, Level, Decimal]]) -> list[int]:
        """Cells for price, quantity and, where the panel is wide, the number of orders."""
        price = max((len(level.price) for _, level, _ in levels), default=0)
        quantity = max((len(level.quantity) for _, level, _ in levels), default=0)
        return [max(price, 8), max(quantity, 8), *([6] if self.size.width >= ROOMY else [])]

    def _cells(self, cells: tuple[str, str, str], widths: list[int]) -> Text:
        joined = " ".join(fit(cell, width, right=True) for cell, width in zip(cells, widths, strict=False))
        return Text(joined)

    def _level(self, entry: tuple[str, Level, Decimal], widths: list[int], deepest: Decimal) -> Text:
        side, level, depth = entry
        colour = RED if side == "ask" else GREEN
        line = self._cells((level.price, level.quantity, f"{level.orders:,}"), widths)
        line.stylize(colour + BOLD, 0, widths[0])
        room = max(self.size.width - line.cell_len - 1, 0)
        full = int((depth * room / deepest).to_integral_value(ROUND_CEILING)) if deepest else 0
        return line.append(" " + ("▒" if side == "ask" else "█") * full, colour)

    def _middle(self, book: BookView) -> Text:
        gap = spread(book)
        words = f"spread {gap}" if gap else "one side is empty" if book.bids or book.asks else "the book is empty"
        words += f" · last {book.last_price}" if book.last_price else " · no trade yet"
        if book.phase != "OPEN":
            words = f"{PHASE_NAME[book.phase].upper()}: {PHASE_EFFECT[book.phase]}"
        shown = fit(f"── {words} ".ljust(self.size.width, "─"), self.size.width)
        return Text(shown, BUTTON if book.phase != "OPEN" else BOLD)
