"""How much one address may ask and one account may order without trading: by the minute, by ten seconds, by the day.

Of IPv6 a /64 counts as one address, since whoever has one of its addresses has them all.

Also how many WebSockets an address may try to open in five minutes.

Who goes on after being told to wait is shut out, from two minutes up to three days for those who repeat it.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from exchange.api import errors
from exchange.api.client_address import line_of
from exchange.api.errors import Refused
from exchange.core.units import AccountId, Micros
from exchange.settings import Settings

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
FIVE_MINUTES: Final = 5 * MINUTE
TEN_SECONDS: Final = 10 * SECOND
DAY: Final = 86_400 * SECOND

DEFAULT_WEIGHT: Final = 6_000
DEFAULT_ORDERS_10S: Final = 100
DEFAULT_ORDERS_DAY: Final = 200_000
DEFAULT_ATTEMPTS: Final = 300
"""The dialect's own limits."""

FIRST_BAN: Final = 2 * MINUTE
LONGEST_BAN: Final = 3 * DAY
MAX_BANS: Final = 10_000
"""So many addresses are remembered as banned; beyond, the oldest are forgotten."""


class _Window:
    """Counts per name in the current interval of a fixed length."""

    __slots__ = ("begin", "counts", "end", "length")

    def __init__(self, length: int) -> None:
        self.length = length
        self.begin = self.end = 0
        self.counts: Counter[object] = Counter()

    def at(self, now: Micros) -> Counter[object]:
        """The counts of the interval that `now` lies in."""
        if not self.begin <= now < self.end:
            self.begin = now - now % self.length
            self.end = self.begin + self.length
            self.counts = Counter()
        return self.counts

    def give_back(self, name: object, count: int, now: Micros) -> None:
        """Count so many fewer, at least none, unless the interval of `now` is over."""
        if self.begin <= now < self.end:
            self.counts[name] = max(0, self.counts[name] - count)

    def left(self, now: Micros) -> int:
        """Whole seconds until the interval ends, at least 1."""
        return (self.length - now % self.length + SECOND - 1) // SECOND


class _Ban(NamedTuple):
    until: Micros
    length: int


class OrderLimit(NamedTuple):
    """One limit on orders: its name in errors, in headers and in `exchangeInfo`, and how many."""

    interval: str
    number: int
    header: str
    limit: int

    @property
    def words(self) -> str:
        return f"{self.number} {self.interval}"


class Limits:
    """Counts weights and orders; refuses what is too much."""

    def __init__(
        self,
        weight_limit: int = DEFAULT_WEIGHT,
        orders_per_10s: int = DEFAULT_ORDERS_10S,
        orders_per_day: int = DEFAULT_ORDERS_DAY,
        attempts: int = DEFAULT_ATTEMPTS,
    ) -> None:
        """`weight_limit` per minute and address, orders per account, `attempts` to connect per 5 minutes and address.

        A weight limit of 0 lifts all of them.
        """
        self.weight_limit = weight_limit
        self.order_limits = (
            OrderLimit("SECOND", 10, "x-mbx-order-count-10s", orders_per_10s if weight_limit else 0),
            OrderLimit("DAY", 1, "x-mbx-order-count-1d", orders_per_day if weight_limit else 0),
        )
        self._weights = _Window(MINUTE)
        self.attempt_limit = attempts if weight_limit else 0
        self._attempts = _Window(FIVE_MINUTES)
        self._orders = (_Window(TEN_SECONDS), _Window(DAY))
        self._order_windows = tuple(zip(self.order_limits, self._orders, strict=True))
        self._bans: dict[str, _Ban] = {}

    def charge(self, address: str, weight: int, now: Micros) -> int:
        """Charge `weight` to the address and return what it used this minute; refused when that is too much."""
        address, counts = line_of(address), self._weights.at(now)
        ban = self._bans.get(address) if self._bans else None
        if ban is not None and now < ban.until:
            raise Refused(errors.banned(ban.until // 1000, (ban.until - now + SECOND - 1) // SECOND))
        used = counts[address] = counts.get(address, 0) + weight
        if not self.weight_limit or used <= self.weight_limit:
            return used
        if used > 2 * self.weight_limit:
            self._ban(address, now)
        raise Refused(errors.too_much_weight(self.weight_limit, self._weights.left(now)))

    def count_attempt(self, address: str, now: Micros) -> None:
        """Count an attempt of the address to open a WebSocket, whatever comes of it; refused when too many."""
        address, counts = line_of(address), self._attempts.at(now)
        counts[address] += 1
        if self.attempt_limit and counts[address] > self.attempt_limit:
            raise Refused(errors.too_many_attempts(self.attempt_limit, "5 MINUTE", self._attempts.left(now)))

    def used(self, address: str, now: Micros) -> int:
        """What the address used this minute."""
        return self._weights.at(now)[line_of(address)]

    def _ban(self, address: str, now: Micros) -> None:
        """Shut the address out, twice as long as the last time if it was banned before."""
        before = self._bans.pop(address, None)
        length = min(before.length * 2, LONGEST_BAN) if before else FIRST_BAN
        self._bans[address] = _Ban(Micros(now + length), length)
        while len(self._bans) > MAX_BANS:
            del self._bans[next(iter(self._bans))]

    def count_order(self, account: AccountId, now: Micros, orders: int = 1) -> None:
        """Count orders of the account; refused, and not counted, when that would be more than one of the limits."""
        soon, late = self._orders
        few, many = soon.at(now), late.at(now)
        count, total = few.get(account, 0) + orders, many.get(account, 0) + orders
        if self.weight_limit:
            for (limit, window), reached in zip(self._order_windows, (count, total), strict=True):
                if limit.limit and reached > limit.limit:
                    raise Refused(errors.too_many_orders(limit.limit, limit.words, window.left(now)))
        few[account], many[account] = count, total

    def forgive(self, account: AccountId, count: int, now: Micros) -> None:
        """Count so many orders of the account fewer: one of them has traded."""
        for window in self._orders:
            window.give_back(account, count, now)

    def recall(self, account: AccountId, change: int, time: Micros, now: Micros) -> None:
        """Count what was done before a restart at `time`, in the intervals that it shares with `now`; never below 0."""
        for window in self._orders:
            if time // window.length == now // window.length:
                counts = window.at(now)
                counts[account] = max(0, counts[account] + change)

    def orders(self, account: AccountId, now: Micros) -> list[tuple[OrderLimit, int]]:
        """Each limit on orders with what the account has used of it."""
        return [(limit, window.at(now)[account]) for limit, window in self._order_windows]


def start_of_day(now: Micros) -> Micros:
    """When the longest interval that orders are counted in began."""
    return Micros(now - now % DAY)


def limits_of(settings: Settings) -> Limits:
    """The limits that the operator has set."""
    return Limits(
        settings.weight_limit_per_minute,
        settings.order_limit_per_10_seconds,
        settings.order_limit_per_day,
        settings.connection_attempts_per_5_minutes,
    )
