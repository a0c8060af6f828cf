"""Who may do what, and what the trail says about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio

from exchange.admin import wire
from exchange.admin.acts import CALLS, OWN_CALLS, ROLES, UNRECORDED, carry_out
from exchange.admin.house import Caller, Refused
from exchange.admin.methods.markets import PHASES
from exchange.core.market import MarketPhase
from exchange.core.orders import Side
from exchange.office.operators import Role
from exchange.office.trail import Entry, read_head, verify_trail
from tests.admin.furnished import ME, House, attached, furnished

ANN = Caller("ann", ME, Role.OPERATIONS)
OTTO = Caller("otto", ME, Role.AUDITOR)

ACTS: dict[str, wire.Ask[Any]] = {
    "market.phase": wire.SetPhase("BTCUSDT", "HALTED", "a drill"),
    "account.create": wire.CreateAccount("carol"),
    "account.freeze": wire.FreezeAccount("alice", True, "a drill"),
    "key.create": wire.CreateKey("alice", ("trade",)),
    "key.ips": wire.LimitKey("x", ()),
    "key.revoke": wire.RevokeKey("x"),
    "credit": wire.CreditAccount("alice", "BTC", "1"),
    "network.set": wire.SetNetwork("BTC", "BTC", chain_decimals=8),
    "tier.limit": wire.SetTierLimit(0, "BTC", "1", "2"),
    "tier.fee": wire.SetTierFees(1, "BTCUSDT", 500, 800),
    "account.tier": wire.SetAccountTier("alice", 1),
    "payouts.set": wire.SetPayoutsShut("", True, "a drill"),
    "operator.add": wire.AddOperator("bert", 12_345, "operations"),
    "operator.remove": wire.RemoveOperator("ann"),
    "wallet.unlock": wire.UnlockWallet("00"),
    "chain.resume": wire.ResumeChain("BTC"),
    "chain.alarms.close": wire.CloseAlarms("BTC"),
    "withdrawal.approve": wire.ApproveWithdrawal("x", "00"),
    "withdrawal.reject": wire.RejectWithdrawal("x", "odd"),
    "withdrawal.settle": wire.SettleWithdrawal("x", "paid"),
    "withdrawal.return": wire.ReturnWithdrawal("x", "gone"),
    "withdrawal.book": wire.BookWithdrawal("x", "paid"),
    "approver.register": wire.RegisterApprover("00", "00"),
    "approver.revoke": wire.RevokeApprover("ann"),
    "payouts.stop": wire.StopPayouts("BTC", "odd"),
    "payouts.resume": wire.ResumePayouts("BTC"),
    "velocity.set": wire.SetVelocity("BTC"),
    "act.confirm": wire.ConfirmAct(1, "00"),
    "act.withdraw": wire.WithdrawAct(1),
}
"""Everything that changes something."""


def told(house: House) -> list[tuple[str, str, str]]:
    """Operator, stage and method of the whole trail."""
    return [(entry.operator, entry.stage, entry.method) for entry in house.trail.tail(500)]


def test_b44_every_method_has_its_roles() -> None:
    """B44: the table names all methods of the wire and no others."""
    assert ROLES.keys() == wire.ASKS.keys()


def test_every_method_is_served() -> None:
    assert CALLS.keys() | OWN_CALLS.keys() | {"attach", "status", "watch", "trades"} == wire.ASKS.keys()


def test_b44_a_method_missing_from_the_table_is_refused_to_everybody() -> None:
    """B44: default deny."""
    from exchange.admin.acts import allowed

    assert not any(allowed(role, "balance.edit") for role in Role)


@pytest.mark.parametrize("method", sorted(ACTS))
async def test_b44_an_auditor_may_not_act(tmp_path: Path, method: str) -> None:
    """B44: what changes something is refused to an auditor, and that he tried is on record."""
    async with furnished(tmp_path, demo=True) as house:
        before = await house.sequencer.read(lambda state: state.seq)
        with pytest.raises(Refused) as refused:
            await carry_out(house, OTTO, ACTS[method])
        assert refused.value.code == "forbidden"
        assert told(house) == [("otto", "refused", method)]
        assert await house.sequencer.read(lambda state: state.seq) == before
        assert not house.operators.list()
        assert not house.keyring.list()


def test_b44_all_that_an_auditor_may_do_is_look() -> None:
    """B44: whatever is not in the list of acts is a look, so a new act must be put on it to pass."""
    looks = {method for method, roles in ROLES.items() if Role.AUDITOR in roles}
    assert looks == ROLES.keys() - ACTS.keys()


def test_b45_nobody_can_edit_a_balance() -> None:
    """B45: of all acts only the demo's credit moves money, and that is a command in the journal."""
    assert {method for method in ACTS if "balance" in method or "debit" in method} == set()
    assert ROLES.keys().isdisjoint({"balance.set", "debit", "journal.write"})


async def test_b45_money_out_of_nothing_is_for_the_demo_only(tmp_path: Path) -> None:
    """B45: a real exchange refuses it to every operator."""
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused) as refused:
            await carry_out(house, ANN, wire.CreditAccount("alice", "BTC", "1"))
        assert refused.value.code == "demo_only"
        assert await house.sequencer.read(lambda state: not state.balances)


async def test_in_the_demo_a_credit_is_exact(tmp_path: Path) -> None:
    async with furnished(tmp_path, demo=True) as house:
        balance = await carry_out(house, ANN, wire.CreditAccount("alice", "BTC", "0.00000001"))
        assert balance == wire.BalanceRow("BTC", "0.00000001", "0.00000000")


async def test_a_credit_with_a_reference_is_booked_once(tmp_path: Path) -> None:
    async with furnished(tmp_path, demo=True) as house:
        ask = wire.CreditAccount("alice", "BTC", "1", "gift")
        await carry_out(house, ANN, ask)
        with pytest.raises(Refused) as refused:
            await carry_out(house, ANN, ask)
        assert refused.value.code == "duplicate_reference"


@pytest.mark.parametrize("amount", ["0", "-1", "1e3", "NaN", "0.000000001", "1,5", "", "9" * 30])
async def test_a_bad_amount_is_refused(tmp_path: Path, amount: str) -> None:
    async with furnished(tmp_path, demo=True) as house:
        with pytest.raises(Refused) as refused:
            await carry_out(house, ANN, wire.CreditAccount("alice", "BTC", amount))
        assert refused.value.code == "bad_amount"


async def test_an_act_is_on_record_before_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen from inside the act: 'asked' is there already, 'done' is not."""
    seen: list[Entry] = []

    async def look(house: House, ask: wire.CreateAccount) -> wire.AccountRow:
        seen.extend(house.trail.tail(500))
        return wire.AccountRow(1, "carol", 0, frozen=False, created=0, open_orders=0)

    monkeypatch.setitem(CALLS, "account.create", look)
    async with furnished(tmp_path) as house:
        await carry_out(house, ANN, wire.CreateAccount("carol"))
        assert [(entry.stage, entry.method) for entry in seen] == [("asked", "account.create")]
        assert [entry.stage for entry in house.trail.tail(500)] == ["asked", "done"]


async def test_a_refusal_is_recorded_with_its_reason(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused):
            await carry_out(house, ANN, wire.CreateAccount("alice"))
        asked, refused = house.trail.tail(500)
        assert (refused.act, refused.stage, json.loads(refused.detail)["code"]) == (asked.seq, "refused", "name_taken")


async def test_a_failed_act_is_recorded_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(house: House, ask: wire.CreateAccount) -> wire.AccountRow:
        raise ZeroDivisionError

    monkeypatch.setitem(CALLS, "account.create", fail)
    async with furnished(tmp_path) as house:
        with pytest.raises(ZeroDivisionError):
            await carry_out(house, ANN, wire.CreateAccount("carol"))
        assert [entry.stage for entry in house.trail.tail(500)] == ["asked", "failed"]


async def test_an_act_is_finished_though_its_asker_is_gone(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        with trio.CancelScope() as scope:
            scope.cancel()
            await carry_out(house, ANN, wire.CreateAccount("carol"))
        assert [entry.stage for entry in house.trail.tail(500)] == ["asked", "done"]
        assert await house.sequencer.read(lambda state: "carol" in state.names)


@pytest.mark.parametrize(
    "ask",
    [wire.ListAccounts(), wire.ShowAccount("alice"), wire.ListKeys(), wire.ListOperators(), wire.TailAudit()],
    ids=lambda ask: ask.method,
)
async def test_b46_every_look_at_people_is_recorded(tmp_path: Path, ask: wire.Ask[Any]) -> None:
    """B46: an auditor's looks too."""
    async with furnished(tmp_path) as house:
        await carry_out(house, OTTO, ask)
        assert told(house) == [("otto", "asked", ask.method), ("otto", "done", ask.method)]


async def test_a_look_at_what_every_trader_sees_is_not_recorded(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        await carry_out(house, OTTO, wire.ListMarkets())
        assert not told(house)
        assert {"market.phase", "credit"}.isdisjoint(UNRECORDED)


async def test_b42_what_the_desk_writes_verifies(tmp_path: Path) -> None:
    """B42: the chain over all acts of a session, attaching included, is whole."""
    async with furnished(tmp_path) as house, attached(house) as client:
        await client.call(wire.SetPhase("BTCUSDT", "HALTED", "a drill"))
        head = verify_trail(house.trail._db, read_head(house.folder / "trail.head"))
        assert head.seq == 4
        assert [stage for _, stage, _ in told(house)] == ["asked", "done", "asked", "done"]


def test_the_wires_words_for_phases_and_sides_are_the_cores() -> None:
    """The wire knows nothing of the core, so a test holds the two together."""
    from typing import get_args

    assert set(get_args(wire.Phase)) == set(PHASES.values()) == {phase.name for phase in MarketPhase}
    assert {phase.name: phase.name for phase in MarketPhase} == {p.name: PHASES[p] for p in MarketPhase}
    assert set(get_args(wire.SideName)) == {side.name for side in Side}
    assert set(get_args(wire.Role)) == {role.value for role in Role}


async def test_what_cannot_be_recorded_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, say: no act without its record."""

    def full(*_: object) -> int:
        raise apsw.FullError

    monkeypatch.setattr("exchange.office.trail.Trail.asked", full)
    async with furnished(tmp_path) as house:
        with pytest.raises(apsw.FullError):
            await carry_out(house, ANN, wire.CreateAccount("carol"))
        assert await house.sequencer.read(lambda state: "carol" not in state.names)
