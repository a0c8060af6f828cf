"""What the dashboard has heard so far. Screens show this and nothing else, so that a lost link loses no screen."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from exchange.admin.wire import (
    ActRow,
    Attached,
    BookView,
    ChainRow,
    MarketRow,
    PayoutsRow,
    PhaseChanged,
    Status,
    TradesView,
    WithdrawalRow,
)

REMEMBERED: Final = 300
"""Seconds of orders per second that the sparkline may show."""

SILENCE_S: Final = 3.0
"""A status comes each second; after this long without one its age is shown."""


@dataclass(frozen=True)
class Attaching:
    """The socket is being opened."""


@dataclass(frozen=True)
class CodeNeeded:
    """The server waits for the operator's code; `text` says what was wrong with the last one."""

    text: str = ""


@dataclass(frozen=True)
class Gone:
    """Not attached, and why; the next try is in `retry_s` seconds. `sent_away`: the server is there, but hung up."""

    why: str
    retry_s: int
    sent_away: bool = False


@dataclass(frozen=True)
class On:
    """Attached, as whom."""

    me: Attached


LinkState = Attaching | CodeNeeded | Gone | On


@dataclass
class Seen:
    """The newest of everything."""

    socket: str
    clock: Callable[[], float] = time.monotonic
    link: LinkState = field(default_factory=Attaching)
    me: Attached | None = None
    status: Status | None = None
    heard: float = 0.0
    rates: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    markets: tuple[MarketRow, ...] = ()
    withdrawals: tuple[WithdrawalRow, ...] = ()
    payouts: tuple[PayoutsRow, ...] = ()
    chains: tuple[ChainRow, ...] = ()
    acts: tuple[ActRow, ...] = ()
    phases: dict[str, PhaseChanged] = field(default_factory=dict)
    symbol: str = ""
    book: BookView | None = None
    trades: TradesView | None = None

    def take_status(self, status: Status) -> None:
        """A second has passed on the server."""
        self.status = status
        self.heard = self.clock()
        self.rates.append(status.orders_per_second)

    def take_phase(self, changed: PhaseChanged) -> None:
        """A market changed its phase; the list says so at once."""
        self.phases[changed.symbol] = changed
        self.markets = tuple(
            replace(row, phase=changed.phase) if row.symbol == changed.symbol else row for row in self.markets
        )

    def choose(self, symbol: str) -> None:
        """Look at another market; what was seen of the last one is dropped."""
        self.symbol = symbol
        self.book = None
        self.trades = None

    def silent_s(self) -> float:
        """Seconds since the last word, as far as that is more than the usual second."""
        if self.status is None:
            return 0.0
        silent = self.clock() - self.heard
        return silent if silent > SILENCE_S else 0.0

    def fresh(self) -> bool:
        """Whether what is shown is what is."""
        return isinstance(self.link, On) and self.silent_s() == 0

    def market(self, symbol: str = "") -> MarketRow | None:
        """The row of this market, or of the one looked at."""
        wanted = symbol or self.symbol
        return next((row for row in self.markets if row.symbol == wanted), None)

    def forbidden(self, method: str) -> str:
        """Why the operator cannot call `method` now, or "" where he can."""
        if not isinstance(self.link, On):
            return "not attached to the server"
        if method not in self.link.me.may:
            return f"role {self.link.me.role} may look, not act"
        return ""
