"""Operators and the trail at the desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.admin import wire
from exchange.admin.acts import carry_out
from exchange.admin.house import Refused
from tests.admin.furnished import furnished
from tests.admin.test_acts import ANN


async def test_an_operator_added_at_the_desk_is_one(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        made = await carry_out(house, ANN, wire.AddOperator("bert", 1_234, "auditor"))
        found = house.operators.by_uid(1_234)
        assert found is not None
        assert (found.name, found.role, made.totp_uri[:15]) == ("bert", "auditor", "otpauth://totp/")


async def test_b40_the_totp_secret_is_not_in_the_trail(tmp_path: Path) -> None:
    """B40."""
    async with furnished(tmp_path) as house:
        made = await carry_out(house, ANN, wire.AddOperator("bert", 1_234, "auditor"))
        secret = made.totp_uri.split("secret=")[1].split("&")[0]
        assert secret not in " ".join(entry.detail for entry in house.trail.tail(500))


async def test_an_operator_removed_at_the_desk_is_none_any_more(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        await carry_out(house, ANN, wire.AddOperator("bert", 1_234, "auditor"))
        await carry_out(house, ANN, wire.RemoveOperator("bert"))
        (row,) = (await carry_out(house, ANN, wire.ListOperators())).rows
        assert (row.name, row.removed > 0, house.operators.by_uid(1_234)) == ("bert", True, None)


async def test_a_second_operator_of_one_uid_is_refused(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        await carry_out(house, ANN, wire.AddOperator("bert", 1_234, "auditor"))
        with pytest.raises(Refused, match="is bert's"):
            await carry_out(house, ANN, wire.AddOperator("carl", 1_234, "operations"))


async def test_the_trail_can_be_read_on_from_a_number(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        for _ in range(3):
            await carry_out(house, ANN, wire.ListOperators())
        rows = (await carry_out(house, ANN, wire.TailAudit(after=2, limit=2))).rows
        assert [(row.seq, row.act, row.stage) for row in rows] == [(3, 0, "asked"), (4, 3, "done")]


async def test_a_number_beyond_all_is_refused(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused, match="so large a number"):
            await carry_out(house, ANN, wire.TailAudit(after=10**30))


async def test_b47_what_the_trail_shows_is_made_harmless(tmp_path: Path) -> None:
    """B47: a refused name stands in the trail in letters."""
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused):
            await carry_out(house, ANN, wire.CreateAccount("\x1b[2J\u202e"))
        rows = (await carry_out(house, ANN, wire.TailAudit())).rows
        assert all(row.detail.isascii() and row.detail.isprintable() for row in rows)
