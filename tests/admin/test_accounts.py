"""Accounts at the desk."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exchange.admin import wire
from exchange.admin.acts import carry_out
from exchange.admin.house import Refused
from exchange.core.commands import Credit, OpenAccount, ReportDeposit
from exchange.core.orders import Side
from exchange.core.transfers import DepositState
from exchange.core.units import Amount, AssetId
from tests.admin.furnished import ALICE, done, furnished, order
from tests.admin.test_acts import ANN


async def test_an_account_is_opened_through_the_sequencer(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        row = await carry_out(house, ANN, wire.CreateAccount("carol", tier=2))
        assert (row.name, row.tier, row.frozen, row.open_orders) == ("carol", 2, False, 0)
        assert await house.sequencer.read(lambda state: state.names["carol"]) == row.id


@pytest.mark.parametrize(
    "name", ["", " carol", "carol ", "a\x1b[31mb", "a\u202eb", "x" * 65, "101", "a\nb", "a\u00a0b"]
)
async def test_b47_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    """B47: what could move a cursor never gets into a name; a number would be taken for an id."""
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused) as refused:
            await carry_out(house, ANN, wire.CreateAccount(name))
        assert refused.value.code == "bad_name"
        assert await house.sequencer.read(lambda state: len(state.accounts)) == 2


async def test_b47_a_name_from_elsewhere_is_made_harmless(tmp_path: Path) -> None:
    """B47: should another door let such a name in, the desk still shows it in letters."""
    async with furnished(tmp_path) as house:
        await done(house.sequencer, OpenAccount("\x1b]0;owned\x07"))
        rows = (await carry_out(house, ANN, wire.ListAccounts())).rows
        assert rows[-1].name == "\\u001b]0;owned\\u0007"


async def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused) as refused:
            await carry_out(house, ANN, wire.CreateAccount("alice"))
        assert refused.value.code == "name_taken"


async def test_a_list_can_be_searched(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        told = await carry_out(house, ANN, wire.ListAccounts(match="LIC"))
        assert ([row.name for row in told.rows], told.more) == (["alice"], False)


async def test_a_long_list_comes_in_pages(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        first = await carry_out(house, ANN, wire.ListAccounts(limit=1))
        second = await carry_out(house, ANN, wire.ListAccounts(limit=1, after=first.rows[-1].id))
        assert ([row.name for row in (*first.rows, *second.rows)], first.more, second.more) == (
            ["alice", "bob"],
            True,
            False,
        )


async def test_a_search_goes_on_where_little_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts are looked at in small lots, so that trading never waits for a long list."""
    monkeypatch.setattr("exchange.admin.methods.accounts.SCAN", 3)
    async with furnished(tmp_path) as house:
        for number in range(10):
            await done(house.sequencer, OpenAccount(f"trader-{number}"))
        told = await carry_out(house, ANN, wire.ListAccounts(match="9"))
        assert ([row.name for row in told.rows], told.more) == (["trader-9"], False)


@pytest.mark.parametrize("after", [-5, 10**6, 10**30])
async def test_a_page_may_begin_anywhere(tmp_path: Path, after: int) -> None:
    async with furnished(tmp_path) as house:
        told = await carry_out(house, ANN, wire.ListAccounts(after=after))
        assert ([row.name for row in told.rows], told.more) == (["alice", "bob"] if after < 0 else [], False)


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_page_has_a_limit(tmp_path: Path, limit: int) -> None:
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused) as refused:
            await carry_out(house, ANN, wire.ListAccounts(limit=limit))
        assert refused.value.code == "bad_params"


async def test_an_account_shows_what_it_has_and_holds(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        await done(house.sequencer, Credit(ALICE, AssetId(2), Amount(100 * 10**8), "gift"))
        await done(house.sequencer, order(ALICE, Side.BUY, 3_000_000, 100))
        view = await carry_out(house, ANN, wire.ShowAccount("alice"))
        assert view.balances == (wire.BalanceRow("USDT", "70.00000000", "30.00000000"),)
        assert view.row.open_orders == 1


@pytest.mark.parametrize("account", ["alice", "100"])
async def test_an_account_goes_by_name_or_id(tmp_path: Path, account: str) -> None:
    async with furnished(tmp_path) as house:
        assert (await carry_out(house, ANN, wire.ShowAccount(account))).row.id == ALICE


@pytest.mark.parametrize("account", ["nobody", "", "99", "1", "9" * 40, "١٠٠"])
async def test_an_unknown_account_is_refused(tmp_path: Path, account: str) -> None:
    """The house's own accounts are no accounts of traders."""
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused) as refused:
            await carry_out(house, ANN, wire.ShowAccount(account))
        assert refused.value.code == "not_found"


async def test_an_account_is_frozen_and_thawed_for_a_reason(tmp_path: Path) -> None:
    """Whoever froze himself, or was frozen by a deposit that was undone, must be able to come back."""
    async with furnished(tmp_path) as house:
        frozen = await carry_out(house, ANN, wire.FreezeAccount("alice", True, "stolen phone"))
        thawed = await carry_out(house, ANN, wire.FreezeAccount("alice", False, "came with her passport"))
        assert (frozen.row.frozen, thawed.row.frozen) == (True, False)


@pytest.mark.parametrize("reason", ["", "  ", "a\x1bb", "x" * 201])
async def test_a_freeze_without_a_fair_reason_changes_nothing(tmp_path: Path, reason: str) -> None:
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused, match="a reason has"):
            await carry_out(house, ANN, wire.FreezeAccount("alice", True, reason))
        assert not await house.sequencer.read(lambda state: state.accounts[ALICE].frozen)


async def test_an_account_shows_what_it_owes_since_a_deposit_was_undone(tmp_path: Path) -> None:
    """What its open order holds cannot be taken back, so it is owed."""
    async with furnished(tmp_path) as house:
        deposit = ReportDeposit("BTC:x:0", ALICE, AssetId(1), Amount(700_000_000), DepositState.CREDITED)
        await done(house.sequencer, deposit)
        await done(house.sequencer, order(ALICE, Side.SELL, 3_000_000, 100))
        held = (await carry_out(house, ANN, wire.ShowAccount("alice"))).balances[0].held
        await done(house.sequencer, msgspec.structs.replace(deposit, to=DepositState.ORPHANED))
        view = await carry_out(house, ANN, wire.ShowAccount("alice"))
        assert view.balances == (wire.BalanceRow("BTC", "0.00000000", held, owed=held),)
