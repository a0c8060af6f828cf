"""Tiers' fees, and who is in which tier, at the desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.admin import wire
from exchange.admin.acts import carry_out
from exchange.admin.house import Caller, Refused
from exchange.core.commands import OpenAccount
from exchange.office.operators import Role
from tests.admin.furnished import ME, furnished

ANN = Caller("ann", ME, Role.OPERATIONS)


async def test_a_tiers_fees_are_set_and_listed_and_another_tier_pays_as_before(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        assert await carry_out(house, ANN, wire.ListTierFees()) == wire.TierFeesList(())
        row = await carry_out(house, ANN, wire.SetTierFees(1, "BTCUSDT", 500, 800))
        assert row == wire.TierFeesRow(1, "BTCUSDT", 500, 800)
        assert await carry_out(house, ANN, wire.ListTierFees()) == wire.TierFeesList((row,))
        book = house.sequencer.state.books[house.sequencer.state.symbols["BTCUSDT"]]
        assert dict(book.tier_fees) == {1: (500, 800)}


async def test_an_account_moves_to_another_tier(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        assert (await house.sequencer.call(OpenAccount("zoe"))).reject is None
        row = await carry_out(house, ANN, wire.SetAccountTier("zoe", 3))
        assert (row.name, row.tier) == ("zoe", 3)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (wire.SetTierFees(1, "NOPE", 1, 1), "no market is called NOPE"),
        (wire.SetTierFees(-1, "BTCUSDT", 1, 1), "a tier is from 0 to 1000"),
        (wire.SetTierFees(1, "BTCUSDT", -1, 1), "0 to 999999 millionths"),
        (wire.SetTierFees(1, "BTCUSDT", 1, 1_000_000), "0 to 999999 millionths"),
        (wire.SetTierFees(1, "BTCUSDT", 1, 1 << 63), "0 to 999999 millionths"),
        (wire.SetAccountTier("nobody", 1), "nobody"),
        (wire.SetAccountTier("alice", 1_001), "a tier is from 0 to 1000"),
    ],
)
async def test_what_cannot_be_is_refused_in_words_and_changes_nothing(
    tmp_path: Path, ask: wire.Ask[wire.TierFeesRow], words: str
) -> None:
    async with furnished(tmp_path) as house:
        await house.sequencer.call(OpenAccount("alice"))
        before = house.sequencer.state.seq
        with pytest.raises(Refused, match=words):
            await carry_out(house, ANN, ask)
        assert house.sequencer.state.seq == before


async def test_an_auditor_sets_no_terms_and_the_treasury_moves_nobody(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused, match="may not do that"):
            await carry_out(house, Caller("eve", ME, Role.AUDITOR), wire.SetTierFees(1, "BTCUSDT", 0, 0))
        for role in (Role.AUDITOR, Role.TREASURY):
            with pytest.raises(Refused, match="may not do that"):
                await carry_out(house, Caller("eve", ME, role), wire.SetAccountTier("alice", 1))
