"""The house maker: an ordinary account that quotes BTCUSDT and ETHUSDT through the ordinary API.

It keeps a ladder of orders on both sides of a price that wanders about the market's reference price, moves a few of
them each second, and replaces what was filled. It knows no more of the exchange than any other bot.
"""

from __future__ import annotations

import random
from typing import Any, Final

import msgspec
import structlog
import trio

from exchange.clock import Clock
from exchange.core.decimals import render
from exchange.demo.client import ApiError, Client

LEVELS: Final = 12
"""Orders on each side."""

_PAUSE_SECONDS: Final = 1.0
_log = structlog.get_logger("exchange.demo.maker")


class Quote(msgspec.Struct, frozen=True):
    """How one market is quoted: prices in cents, quantities in units of the last place of `places`."""

    symbol: str
    reference: int
    step: int
    quantity: int
    places: int


QUOTES: Final = (
    Quote("BTCUSDT", 30_000_00, 150, 25_000, 5),
    Quote("ETHUSDT", 2_000_00, 20, 40_000, 4),
)


class HouseMaker:
    """Quotes until cancelled; when a door does not answer it waits and tries again."""

    def __init__(self, url: str, api_key: str, secret: str, clock: Clock) -> None:
        """`url` is the main door's base URL."""
        self._client = Client(url, api_key, secret, clock)
        self._dice = random.Random()  # noqa: S311  # made-up prices need no secret dice
        self._middle = {quote.symbol: quote.reference for quote in QUOTES}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Quote, once a second; started when every market has been quoted once, or that failed."""
        while True:
            try:
                for quote in QUOTES:
                    await self._quote(quote)
            except (ApiError, OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
                _log.warning("house maker pauses", reason=str(error))
                await trio.sleep(_PAUSE_SECONDS * 4)
            task_status.started()
            task_status = trio.TASK_STATUS_IGNORED
            await trio.sleep(_PAUSE_SECONDS)

    async def _quote(self, quote: Quote) -> None:
        """Bring one market's ladder up to date: place what is missing, then drop what strayed, so it is never bare."""
        symbol = quote.symbol
        orders: list[dict[str, Any]] = await self._client.signed("GET", "/api/v3/openOrders", symbol=symbol)
        self._wander(quote)
        wanted = dict.fromkeys(self._ladder(quote), False)
        strayed = []
        for order in orders:
            key = (order["side"], _cents(order["price"]))
            if key in wanted and not wanted[key]:
                wanted[key] = True
            else:
                strayed.append(order)
        for (side, price), there in wanted.items():
            if not there:
                await self._place(quote, side, price)
        for order in strayed:
            await self._drop(symbol, str(order["orderId"]))

    def _wander(self, quote: Quote) -> None:
        """Let the middle drift by whole steps, now and then, and draw it back to the reference."""
        middle = self._middle[quote.symbol]
        pull = (quote.reference - middle) // (quote.step * 40)
        if self._dice.randrange(4) == 0:
            middle += quote.step * (self._dice.randint(-1, 1) + pull)
        self._middle[quote.symbol] = middle

    def _ladder(self, quote: Quote) -> list[tuple[str, int]]:
        middle = self._middle[quote.symbol]
        bids = [("BUY", middle - quote.step * n) for n in range(1, LEVELS + 1)]
        asks = [("SELL", middle + quote.step * n) for n in range(1, LEVELS + 1)]
        return bids + asks

    async def _drop(self, symbol: str, order: str) -> None:
        """Cancel an order; somebody may just have taken it."""
        try:
            await self._client.signed("DELETE", "/api/v3/order", symbol=symbol, orderId=order)
        except ApiError as error:
            if error.code != -2011:
                raise

    async def _place(self, quote: Quote, side: str, price: int) -> None:
        """One order that rests; where somebody stands in its way it waits for the next round."""
        quantity = quote.quantity + self._dice.randrange(quote.quantity)
        try:
            await self._client.signed(
                "POST",
                "/api/v3/order",
                symbol=quote.symbol,
                side=side,
                type="LIMIT_MAKER",
                quantity=render(quantity, quote.places),
                price=render(price, 2),
                newOrderRespType="ACK",
            )
        except ApiError as error:
            if error.code != -2010:
                raise


def _cents(price: str) -> int:
    whole, _, fraction = price.partition(".")
    return int(whole + fraction[:2].ljust(2, "0"))
