"""What operators may ask about tiers' fees and who is in which tier. Part of `wire`."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from exchange.admin.ask import Ask
from exchange.admin.views import AccountRow


class TierFeesRow(msgspec.Struct, frozen=True):
    """What accounts of a tier pay in a market, in millionths of what they receive."""

    tier: int
    symbol: str
    maker_fee_ppm: int
    taker_fee_ppm: int


class TierFeesList(msgspec.Struct, frozen=True):
    """By market and tier; who is in a tier that a market has no row for pays the market's own fees."""

    rows: tuple[TierFeesRow, ...]


class ListTierFees(Ask[TierFeesList], frozen=True):
    """Every market's fees for tiers of their own."""

    method: ClassVar[str] = "tier.fees"


class SetTierFees(Ask[TierFeesRow], frozen=True):
    """What accounts of a tier pay in a market, from the next trade on."""

    method: ClassVar[str] = "tier.fee"
    tier: int
    symbol: str
    maker_fee_ppm: int
    taker_fee_ppm: int


class SetAccountTier(Ask[AccountRow], frozen=True):
    """Move an account (name or id) to another tier: its fees and what it may withdraw are that tier's from then on."""

    method: ClassVar[str] = "account.tier"
    account: str
    tier: int


TIER_ASKS = (ListTierFees, SetTierFees, SetAccountTier)
