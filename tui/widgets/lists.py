"""The three lists: markets with all columns, markets at a glance, and the last trades."""

from __future__ import annotations

from rich.style import Style

from exchange.admin.wire import MarketRow, TradesView
from tui.ink import BOLD, GREEN, NORMAL, RED, WRONG
from tui.seen import Seen
from tui.text import at, plain
from tui.widgets.table import Column, Row, Table
from tui.words import PHASE_NAME


def _style(row: MarketRow) -> Style:
    return NORMAL if row.phase == "OPEN" else WRONG if row.phase == "HALTED" else BOLD


class MarketTable(Table):
    """Every market, a line each."""

    def __init__(self) -> None:
        columns = [
            Column("Market", 9),
            Column("Phase", 11),
            Column("Last", 8, right=True),
            Column("Bid", 8, right=True),
            Column("Ask", 8, right=True),
            Column("Orders", 6, right=True),
            Column("Last change", 0, wide=True),
        ]
        super().__init__("Markets", columns, "no markets listed yet")

    def show_seen(self, seen: Seen) -> None:
        """List all markets; after the figures stands why one was last changed, where that was heard."""
        self.show([self._row(seen, row) for row in seen.markets])

    def _row(self, seen: Seen, row: MarketRow) -> Row:
        changed = seen.phases.get(row.symbol)
        why = f"{plain(changed.reason)} ({at(changed.time)})" if changed else ""
        prices = (row.last_price or "–", row.bid or "–", row.ask or "–")
        cells = (plain(row.symbol), PHASE_NAME[row.phase], *prices, f"{row.open_orders:,}", why)
        return Row(row.symbol, cells, _style(row))


class MarketList(Table):
    """Every market with its phase and last price; the cursor chooses the one that is looked at."""

    def __init__(self) -> None:
        columns = [Column("Market", 8, wide=True), Column("Phase", 11), Column("Last", 8, right=True)]
        super().__init__("Markets", columns, "no markets listed yet")

    def show_seen(self, seen: Seen) -> None:
        self.show(
            [
                Row(row.symbol, (plain(row.symbol), PHASE_NAME[row.phase], row.last_price or "–"), _style(row))
                for row in seen.markets
            ]
        )


class Tape(Table):
    """The last trades, newest first; the side is the taker's."""

    newest_first = True

    def __init__(self) -> None:
        columns = [
            Column("Time", 8),
            Column("Side", 4),
            Column("Price", 8, right=True, wide=True),
            Column("Quantity", 8, right=True),
        ]
        super().__init__("Trades", columns, "no trades yet")

    def show_trades(self, view: TradesView | None) -> None:
        """List these trades."""
        trades = view.trades if view else ()
        self.show(
            [
                Row(
                    str(trade.id),
                    (at(trade.time), trade.side.lower(), trade.price, trade.quantity),
                    GREEN if trade.side == "BUY" else RED,
                )
                for trade in trades
            ]
        )
