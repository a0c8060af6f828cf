"""API keys at the desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.admin import wire
from exchange.admin.acts import carry_out
from exchange.admin.house import Refused
from tests.admin.furnished import ALICE, furnished
from tests.admin.test_acts import ANN


async def test_a_key_made_at_the_desk_works(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        made = await carry_out(house, ANN, wire.CreateKey("alice", ("trade",), "bot"))
        key = house.keyring.find(made.row.api_key)
        assert key is not None
        assert (key.account, key.secret, made.row.scopes) == (ALICE, made.secret.encode(), ("read", "trade"))


async def test_b40_the_secret_is_in_the_answer_and_not_in_the_trail(tmp_path: Path) -> None:
    """B40: shown once; what the trail keeps of the answer is its public half."""
    async with furnished(tmp_path) as house:
        made = await carry_out(house, ANN, wire.CreateKey("alice", ("trade",)))
        trail = " ".join(entry.detail for entry in house.trail.tail(500))
        assert made.row.api_key in trail
        assert made.secret not in trail


async def test_b18_a_key_to_withdraw_needs_addresses(tmp_path: Path) -> None:
    """B18: but for a demo, where nothing is worth anything."""
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused, match="needs addresses"):
            await carry_out(house, ANN, wire.CreateKey("alice", ("withdraw",)))
        made = await carry_out(house, ANN, wire.CreateKey("alice", ("withdraw",), addresses=("203.0.113.7",)))
        assert made.row.scopes == ("read", "withdraw")


async def test_in_a_demo_a_key_may_withdraw_from_anywhere(tmp_path: Path) -> None:
    async with furnished(tmp_path, demo=True) as house:
        made = await carry_out(house, ANN, wire.CreateKey("alice", ("withdraw",)))
        assert made.row.addresses == ()


async def test_a_revoked_key_is_dead_and_listed_as_revoked(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        made = await carry_out(house, ANN, wire.CreateKey("alice", ("read",)))
        await carry_out(house, ANN, wire.RevokeKey(made.row.api_key))
        assert house.keyring.find(made.row.api_key) is None
        (row,) = (await carry_out(house, ANN, wire.ListKeys())).rows
        assert row.revoked > 0


@pytest.mark.parametrize(("match", "labels"), [("BOT", ["bot"]), ("bob", ["desk"]), ("", ["bot", "desk"]), ("x y", [])])
async def test_keys_are_searched_by_label_and_owner(tmp_path: Path, match: str, labels: list[str]) -> None:
    async with furnished(tmp_path) as house:
        await carry_out(house, ANN, wire.CreateKey("alice", ("read",), "bot"))
        await carry_out(house, ANN, wire.CreateKey("bob", ("read",), "desk"))
        rows = (await carry_out(house, ANN, wire.ListKeys(match=match))).rows
        assert sorted(row.label for row in rows) == labels


async def test_keys_come_in_pages(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        for _ in range(3):
            await carry_out(house, ANN, wire.CreateKey("alice", ("read",)))
        first = await carry_out(house, ANN, wire.ListKeys(limit=2))
        second = await carry_out(house, ANN, wire.ListKeys(limit=2, after=first.rows[-1].api_key))
        assert (len(first.rows), first.more, len(second.rows), second.more) == (2, True, 1, False)


async def test_a_search_goes_on_where_little_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are looked at in small lots, so that trading never waits for a long list."""
    monkeypatch.setattr("exchange.admin.methods.keys.SCAN", 2)
    async with furnished(tmp_path) as house:
        for number in range(7):
            await carry_out(house, ANN, wire.CreateKey("alice", ("read",), f"bot-{number}"))
        told = await carry_out(house, ANN, wire.ListKeys(match="bot-", limit=5))
        rest = await carry_out(house, ANN, wire.ListKeys(match="bot-", limit=5, after=told.rows[-1].api_key))
        assert ({row.label for row in (*told.rows, *rest.rows)}, told.more, rest.more) == (
            {f"bot-{number}" for number in range(7)},
            True,
            False,
        )


async def test_keys_of_one_account(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        for account in ("alice", "bob"):
            await carry_out(house, ANN, wire.CreateKey(account, ("read",)))
        rows = (await carry_out(house, ANN, wire.ListKeys(account="bob"))).rows
        assert [row.account_name for row in rows] == ["bob"]


async def test_b22_operators_say_from_where_a_key_may_be_used(tmp_path: Path) -> None:
    """B22: when it is made and later; both are in the trail."""
    async with furnished(tmp_path) as house:
        made = await carry_out(house, ANN, wire.CreateKey("alice", ("read",), addresses=("203.0.113.0/24",)))
        changed = await carry_out(house, ANN, wire.LimitKey(made.row.api_key, ("2001:db8::1",)))
        lifted = await carry_out(house, ANN, wire.LimitKey(made.row.api_key, ()))
        assert [row.addresses for row in (made.row, changed, lifted)] == [("203.0.113.0/24",), ("2001:db8::1",), ()]
        trail = [entry.detail for entry in house.trail.tail(500) if entry.method == "key.ips"]
        assert "2001:db8::1" in trail[0]
        with pytest.raises(Refused, match="Nothing was changed"):
            await carry_out(house, ANN, wire.LimitKey(made.row.api_key, ("anywhere",)))


async def test_b23_operators_see_what_is_used_and_what_has_expired(tmp_path: Path) -> None:
    """B23: the day of the last use; a key that was used is not shown as expired."""
    async with furnished(tmp_path) as house:
        made = [await carry_out(house, ANN, wire.CreateKey("alice", ("read",), label)) for label in ("old", "used")]
        house.clock.move(90 * 86_400)
        key = house.keyring.find(made[1].row.api_key)
        assert key is not None
        key.use.noticed = True
        house.keyring.keep()
        rows = {row.label: row for row in (await carry_out(house, ANN, wire.ListKeys())).rows}
        today = house.clock.now() // 86_400_000_000 * 86_400_000_000
        assert (rows["old"].last_used, rows["old"].expired) == (0, house.clock.now())
        assert (rows["used"].last_used, rows["used"].expired) == (today, 0)
