"""The assets and markets that the doors know: read once at start-up, then kept current by committed events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exchange.api import errors
from exchange.api.errors import Refused
from exchange.api.parameters import SymbolStatus
from exchange.core.book import Book
from exchange.core.committed import Committed
from exchange.core.events import AssetListed, MarketListed, MarketPhaseSet, TierFeesSet
from exchange.core.market import Asset, Market, MarketPhase
from exchange.core.units import AssetId, MarketId, Ppm

_STATUS = {
    MarketPhase.PRE_OPEN: SymbolStatus.BREAK,
    MarketPhase.OPEN: SymbolStatus.TRADING,
    MarketPhase.POST_ONLY: SymbolStatus.TRADING,
    MarketPhase.CANCEL_ONLY: SymbolStatus.BREAK,
    MarketPhase.HALTED: SymbolStatus.HALT,
}


class Catalogue:
    """Markets by symbol and id, assets by id, phases and fees."""

    def __init__(self) -> None:
        """Nothing listed."""
        self.assets: dict[AssetId, Asset] = {}
        self.markets: dict[MarketId, Market] = {}
        self.phases: dict[MarketId, MarketPhase] = {}
        self._by_symbol: dict[str, Market] = {}
        self._tier_fees: dict[tuple[MarketId, int], tuple[Ppm, Ppm]] = {}

    def restore(self, assets: Iterable[Asset], books: Mapping[MarketId, Book]) -> None:
        """Take on what is listed already."""
        for asset in assets:
            self.assets[asset.id] = asset
        for market, book in books.items():
            self._list(book.rules, book.phase)
            for tier, fees in book.tier_fees.items():
                self._tier_fees[market, tier] = fees

    def consume(self, committed: Committed) -> None:
        """Follow the committed events; to be subscribed at the sequencer."""
        for event in committed.events:
            if type(event) is AssetListed:
                self.assets[event.asset.id] = event.asset
            elif type(event) is MarketListed:
                self._list(event.market, event.phase)
            elif type(event) is MarketPhaseSet:
                self.phases[event.market] = event.phase
            elif type(event) is TierFeesSet:
                self._tier_fees[event.market, event.tier] = (event.maker_fee, event.taker_fee)

    def _list(self, market: Market, phase: MarketPhase) -> None:
        self.markets[market.id] = market
        self.phases[market.id] = phase
        self._by_symbol[market.symbol] = market

    def find(self, symbol: str) -> Market:
        """The market of that symbol; refused when there is none."""
        market = self._by_symbol.get(symbol)
        if market is None:
            raise Refused(errors.BAD_SYMBOL)
        return market

    def find_in(self, symbol: str, status: SymbolStatus | None) -> Market:
        """The market of that symbol; refused when there is none, or when its status is another (None: any will do)."""
        market = self.find(symbol)
        if status not in {None, self.status(market)}:
            raise Refused(errors.WRONG_STATUS)
        return market

    def select(
        self, symbol: str | None, symbols: Iterable[str] | None, status: SymbolStatus | None = None
    ) -> list[Market]:
        """One market, some, or (given neither) all, in the order asked for or listed.

        One of another status than `status` is refused; of several, those that have it are chosen.
        """
        if symbol is not None and symbols is not None:
            raise Refused(errors.BAD_COMBINATION)
        if symbol is not None:
            return [self.find_in(symbol, status)]
        chosen = [self.find(name) for name in symbols] if symbols is not None else self.markets.values()
        return [market for market in chosen if status in {None, self.status(market)}]

    def status(self, market: Market) -> SymbolStatus:
        """What the market lets in, in the dialect's words."""
        return _STATUS[self.phases[market.id]]

    def fees(self, market: Market, tier: int) -> tuple[Ppm, Ppm]:
        """Maker and taker rate of an account of that tier."""
        return self._tier_fees.get((market.id, tier), (market.maker_fee, market.taker_fee))

    def base_and_quote(self, market: Market) -> tuple[str, str]:
        """The codes of a market's two assets."""
        return self.assets[market.base].code, self.assets[market.quote].code
