"""What tiers pay in each market, and who is in which."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.admin import wire
from exchange.admin.house import House, Refused, no
from exchange.admin.methods.accounts import MAX_TIER, account_row, find_account
from exchange.admin.methods.markets import find_market
from exchange.core import commands as co
from exchange.core.book import Book
from exchange.core.rejects import Reject
from exchange.core.units import Ppm


async def list_fees(house: House, _ask: wire.ListTierFees) -> wire.TierFeesList:
    """All of them."""
    return await house.sequencer.read(lambda state: _rows(state.books.values()))


def _rows(books: Iterable[Book]) -> wire.TierFeesList:
    return wire.TierFeesList(
        tuple(
            wire.TierFeesRow(tier, book.rules.symbol, *fees)
            for book in sorted(books, key=lambda one: one.rules.symbol)
            for tier, fees in sorted(book.tier_fees.items())
        )
    )


async def set_fees(house: House, ask: wire.SetTierFees) -> wire.TierFeesRow:
    """From the next trade on."""
    market = await find_market(house, ask.symbol)
    _check(ask.tier)
    fees = Ppm(ask.maker_fee_ppm), Ppm(ask.taker_fee_ppm)
    outcome = await house.sequencer.call(co.SetTierFees(market, ask.tier, *fees))
    if outcome.reject is Reject.BAD_RULES:
        raise Refused("bad_rules", "a fee is 0 to 999999 millionths. Nothing was changed.")
    if outcome.reject is not None:
        raise no(outcome.reject)
    return wire.TierFeesRow(ask.tier, ask.symbol, *fees)


async def set_tier(house: House, ask: wire.SetAccountTier) -> wire.AccountRow:
    """From the next trade and the next withdrawal on."""
    account = await find_account(house, ask.account)
    _check(ask.tier)
    outcome = await house.sequencer.call(co.SetAccountTier(account, ask.tier))
    if outcome.reject is not None:
        raise no(outcome.reject)
    return await account_row(house, account)


def _check(tier: int) -> None:
    if not 0 <= tier <= MAX_TIER:
        raise Refused("bad_tier", f"a tier is from 0 to {MAX_TIER}. Nothing was changed.")
