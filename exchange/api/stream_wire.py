"""What market streams say, in the dialect's letters. Amounts are plain decimal strings, times milliseconds."""

from __future__ import annotations

import msgspec

Pairs = list[tuple[str, str]]
"""(price, quantity) of each level."""


class TradeMessage(msgspec.Struct, frozen=True, gc=False):
    """One fill. `m`: the buyer was the maker; `M` means nothing, here as in the dialect."""

    e: str
    E: int
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool
    M: bool = True


class AggregateMessage(msgspec.Struct, frozen=True, gc=False):
    """The fills `f` to `l` of one taker order at one price."""

    e: str
    E: int
    s: str
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741  # the dialect's letter
    T: int
    m: bool
    M: bool = True


class BookTickerMessage(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask. Clients tell it from others by its having no `e`."""

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class DiffMessage(msgspec.Struct, frozen=True, gc=False):
    """The levels that changed with the updates `U` to `u`, as they stand now; quantity 0 removes one."""

    e: str
    E: int
    s: str
    U: int
    u: int
    b: Pairs
    a: Pairs


class PartialMessage(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The best levels of each side."""

    last_update_id: int
    bids: Pairs
    asks: Pairs


class KlineBody(msgspec.Struct, frozen=True, gc=False):
    """A candle. `x`: it is over."""

    t: int
    T: int
    s: str
    i: str
    f: int
    L: int
    o: str
    c: str
    h: str
    l: str  # noqa: E741  # the dialect's letter
    v: str
    n: int
    x: bool
    q: str
    V: str
    Q: str
    B: str = "0"


class KlineMessage(msgspec.Struct, frozen=True, gc=False):
    """A candle as it stands."""

    e: str
    E: int
    s: str
    k: KlineBody


class MiniTickerMessage(msgspec.Struct, frozen=True, gc=False):
    """Prices and volumes of the last 24 hours."""

    e: str
    E: int
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741  # the dialect's letter
    v: str
    q: str


class TickerMessage(msgspec.Struct, frozen=True, gc=False):
    """The last 24 hours in full."""

    e: str
    E: int
    s: str
    p: str
    P: str
    w: str
    x: str
    c: str
    Q: str
    b: str
    B: str
    a: str
    A: str
    o: str
    h: str
    l: str  # noqa: E741  # the dialect's letter
    v: str
    q: str
    O: int  # noqa: E741  # the dialect's letter
    C: int
    F: int
    L: int
    n: int


class WindowMessage(msgspec.Struct, frozen=True, gc=False):
    """A window of time: change, percent, open, high, low, last, mean, volumes, times, first and last trade, count."""

    e: str
    E: int
    s: str
    p: str
    P: str
    o: str
    h: str
    l: str  # noqa: E741  # the dialect's letter
    c: str
    w: str
    v: str
    q: str
    O: int  # noqa: E741  # the dialect's letter
    C: int
    F: int
    L: int
    n: int


class AverageMessage(msgspec.Struct, frozen=True, gc=False):
    """The mean price of the last five minutes."""

    e: str
    E: int
    s: str
    i: str
    w: str
    T: int
