"""Money that leaves, at the desk: who sees it, who approves it with which key, and what stops it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from exchange.admin import wire
from exchange.admin.acts import carry_out
from exchange.admin.house import Caller, Refused
from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId
from exchange.custody.memory.world import MemoryWorld, Output, Transaction
from exchange.custody.payouts import rows as payout_rows
from exchange.custody.payouts.withdrawals import Wanted
from exchange.custody.port import Purpose
from exchange.office.approvers import registration
from exchange.office.operators import Role
from tests.admin.furnished import House, done, furnished
from tests.custody.till import paid

ALICE, BTC = AccountId(100), AssetId(1)
TINA, TOM = Caller("tina", 1, Role.TREASURY), Caller("tom", 2, Role.TREASURY)
OTTO = Caller("otto", 3, Role.OPERATIONS)
_W = WithdrawalState


class Desk:
    """A furnished house with a chain in memory, where 50,000 of alice's wait for approval."""

    def __init__(self, house: House, world: MemoryWorld) -> None:
        self.house = house
        self.world = world
        self.keys: dict[str, SigningKey] = {}

    async def ask(self, amount: int, address: str = "shop") -> str:
        """The id of a withdrawal by alice."""
        wanted = Wanted(
            account=ALICE, asset=BTC, network="ETH", address=self.world.address(address), atoms=Amount(amount)
        )
        return (await self.house.payments.withdrawals.ask(wanted)).id

    async def register(self, caller: Caller) -> None:
        key = self.keys[caller.operator] = SigningKey.generate()
        proof = key.sign(registration(caller.operator)).signature.hex()
        await carry_out(self.house, caller, wire.RegisterApprover(bytes(key.verify_key).hex(), proof))

    async def approve(self, caller: Caller, id: str, content: str = "") -> wire.Approved:
        """In the caller's name, what the desk shows or other content."""
        shown = content or (await carry_out(self.house, caller, wire.ShowWithdrawal(id))).content
        signature = self.keys[caller.operator].sign(hashlib.sha256(shown.encode()).digest()).signature
        return await carry_out(self.house, caller, wire.ApproveWithdrawal(id, signature.hex()))

    async def pay(self, rounds: int = 6) -> None:
        """Follow the chain and pay on it, a block after each round."""
        payments, follower = self.house.payments, self.house.custody.lines["ETH"].follower
        for _ in range(rounds):
            while await follower.watcher.step():
                pass
            for payer in payments.payers.values():
                await payments.pay(payer)
            await payments.follow_up()
            self.world.mine()

    def state(self, id: str) -> int:
        row = payout_rows.withdrawal(self.house.payments.store.reader, id)
        assert row is not None
        return row.state


@asynccontextmanager
async def desk(folder: Path, *, two_people: bool = False) -> AsyncIterator[Desk]:
    world = MemoryWorld("ETH", accounts=True)
    async with furnished(folder, worlds={"ETH": world}, two_people=two_people) as house:
        network = Network(
            BTC, "ETH", 8, automatic_limit=Amount(1_000), one_person_limit=Amount(10_000), withdrawals_open=True
        )
        for command in (
            co.Credit(ALICE, BTC, Amount(1_000_000), "first"),
            co.SetNetwork(network),
            co.SetTierLimit(0, BTC, Amount(10**9), Amount(10**9)),
        ):
            await done(house.sequencer, command)
        await house.custody.lines["ETH"].pool.add_wallet(Purpose.HOT, "hot")
        yield Desk(house, world)


async def test_b29_two_operators_of_the_treasury_approve_a_large_one_and_it_is_paid(tmp_path: Path) -> None:
    """B29: each with his own key, over exactly what was shown."""
    async with desk(tmp_path) as here:
        large = await here.ask(50_000)
        for caller in (TINA, TOM):
            await here.register(caller)
        assert (await here.approve(TINA, large)).needed == 1
        assert (await here.approve(TOM, large)).needed == 0
        await here.pay()
        assert paid(here.world, here.world.address("shop")) == [50_000]
        assert here.state(large) == _W.FINAL


async def test_b29_one_operator_is_not_two(tmp_path: Path) -> None:
    """B29: not by asking twice, nor with a second key."""
    async with desk(tmp_path) as here:
        large = await here.ask(50_000)
        await here.register(TINA)
        await here.approve(TINA, large)
        with pytest.raises(Refused, match="does not wait for your approval"):
            await here.approve(TINA, large)
        await here.register(TINA)
        with pytest.raises(Refused, match="does not wait for your approval"):
            await here.approve(TINA, large)


async def test_b29_an_approval_is_of_one_payment_to_the_last_digit(tmp_path: Path) -> None:
    """B29: another amount, another withdrawal or another's key is no approval."""
    async with desk(tmp_path) as here:
        large, other = await here.ask(50_000), await here.ask(40_000)
        for caller in (TINA, TOM):
            await here.register(caller)
        content = (await carry_out(here.house, TINA, wire.ShowWithdrawal(large))).content
        for wrong in (content.replace("50000", "50001"), content.replace("ETH", "BTC")):
            with pytest.raises(Refused, match="did not sign this withdrawal"):
                await here.approve(TINA, large, wrong)
        with pytest.raises(Refused, match="did not sign this withdrawal"):
            await here.approve(TINA, other, content)
        here.keys["tina"] = here.keys["tom"]
        with pytest.raises(Refused, match="did not sign this withdrawal"):
            await here.approve(TINA, large)
        assert here.state(large) == here.state(other) == _W.RISK_HELD


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.AUDITOR])
async def test_b44_only_the_treasury_approves(tmp_path: Path, role: Role) -> None:
    """B44: others look."""
    async with desk(tmp_path) as here:
        large, caller = await here.ask(50_000), Caller("olga", 9, role)
        with pytest.raises(Refused, match="may not do that"):
            await carry_out(here.house, caller, wire.ApproveWithdrawal(large, "00"))
        (row,) = (await carry_out(here.house, caller, wire.ListWithdrawals("waiting"))).rows
        assert (row.id, row.state, row.needs, row.amount) == (large, "risk_held", 2, "0.00050000")


async def test_nobody_approves_without_a_key(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        large = await here.ask(50_000)
        with pytest.raises(Refused, match="registered no key"):
            await carry_out(here.house, TINA, wire.ApproveWithdrawal(large, "00"))
        with pytest.raises(Refused, match="hexadecimal"):
            await carry_out(here.house, TINA, wire.RegisterApprover("zz", ""))
        with pytest.raises(Refused, match="no withdrawal is called"):
            await carry_out(here.house, TINA, wire.ShowWithdrawal("nothing"))


async def test_a_rejected_one_gives_the_money_back(tmp_path: Path) -> None:
    """And one that may be on its way is not rejected."""
    async with desk(tmp_path) as here:
        large, small = await here.ask(50_000), await here.ask(500)
        assert (await carry_out(here.house, OTTO, wire.RejectWithdrawal(large, "odd"))).state == "rejected"
        await here.pay(rounds=1)
        with pytest.raises(Refused, match="it may be on its way"):
            await carry_out(here.house, OTTO, wire.RejectWithdrawal(small, "odd"))
        view = await carry_out(here.house, OTTO, wire.ShowWithdrawal(small))
        assert [attempt.state for attempt in view.attempts] == ["handed"]
        held = (await carry_out(here.house, OTTO, wire.ShowAccount("alice"))).balances[0].held
        assert held == "0.00000500"


async def test_stopped_payouts_wait_for_the_treasury(tmp_path: Path) -> None:
    """Whoever operates may stop them; the treasury lets them go on."""
    async with desk(tmp_path) as here:
        row = await carry_out(here.house, OTTO, wire.StopPayouts("ETH", "a drill"))
        assert (row.stopped, row.waiting) == ("a drill", 0)
        large = await here.ask(500)
        await here.pay(rounds=2)
        assert here.state(large) == _W.APPROVED
        with pytest.raises(Refused, match="may not do that"):
            await carry_out(here.house, OTTO, wire.ResumePayouts("ETH"))
        await carry_out(here.house, TINA, wire.ResumePayouts("ETH"))
        with pytest.raises(Refused, match="do not stand still"):
            await carry_out(here.house, TINA, wire.ResumePayouts("ETH"))
        with pytest.raises(Refused, match="no chain is called DOGE"):
            await carry_out(here.house, TINA, wire.ResumePayouts("DOGE"))
        await here.pay()
        assert here.state(large) == _W.FINAL


async def test_a_payout_whose_nonce_was_used_elsewhere_is_given_up_once_that_is_final(tmp_path: Path) -> None:
    """Then nothing can pay it any more, and an operator gives the money back; not a block earlier."""
    async with desk(tmp_path) as here:
        large = await here.ask(500)
        await here.pay(rounds=1)
        (ours,) = [one for mint in here.world.best for one in mint.transactions.values()]
        here.world.reorg(1, only=())
        here.world.pool.clear()
        thief = Transaction(ours.claims, (Output("elsewhere", "1"),), 5)
        here.world.pool[thief.txid] = thief
        here.world.mine()
        await here.pay(rounds=1)
        with pytest.raises(Refused, match="exchange withdrawal return"):
            await carry_out(here.house, OTTO, wire.RejectWithdrawal(large, "stolen key"))
        with pytest.raises(Refused, match="is not final yet"):
            await carry_out(here.house, TINA, wire.ReturnWithdrawal(large, "stolen key"))
        await here.pay(rounds=4)
        row = await carry_out(here.house, TINA, wire.ReturnWithdrawal(large, "stolen key"))
        assert (row.state, row.why) == ("failed", "stolen key")
        held = (await carry_out(here.house, OTTO, wire.ShowAccount("alice"))).balances[0].held
        assert held == "0.00000000"
        (chain,) = (await carry_out(here.house, OTTO, wire.ListPayouts())).rows
        assert "was used by a transaction that is not ours" in chain.stopped


async def test_b29_what_two_people_had_to_approve_one_alone_neither_settles_nor_returns(tmp_path: Path) -> None:
    """B29: a small one is one person's to clear."""
    async with desk(tmp_path, two_people=True) as here:
        large, small = await here.ask(50_000), await here.ask(500)
        for ask in (wire.SettleWithdrawal(large, "paid"), wire.ReturnWithdrawal(large, "gone")):
            with pytest.raises(Refused, match="kept as act"):
                await carry_out(here.house, TINA, ask)
        with pytest.raises(Refused, match="not under way"):
            await carry_out(here.house, TINA, wire.ReturnWithdrawal(small, "gone"))


async def test_velocity_limits_are_set_and_shown_in_plain_amounts(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.ask(500)
        row = await carry_out(here.house, TINA, wire.SetVelocity("BTC", hour="0.5", account_day="0.1"))
        assert (row.hour, row.day, row.left_hour) == ("0.50000000", "0.00000000", "0.00000500")
        assert (await carry_out(here.house, TINA, wire.ListVelocities())).rows == (row,)
        with pytest.raises(Refused, match="is no amount of BTC"):
            await carry_out(here.house, TINA, wire.SetVelocity("BTC", hour="-1"))


async def test_to_set_one_velocity_limit_lifts_none_of_the_others(tmp_path: Path) -> None:
    """Whoever tightens the limit of a day must not open the hour without a word; 0 lifts, and has to be said."""
    async with desk(tmp_path) as here:
        await carry_out(here.house, TINA, wire.SetVelocity("BTC", hour="0.5", account_day="0.1"))
        row = await carry_out(here.house, TINA, wire.SetVelocity("BTC", day="2"))
        assert (row.hour, row.day, row.account_hour, row.account_day) == (
            "0.50000000",
            "2.00000000",
            "0.00000000",
            "0.10000000",
        )
        row = await carry_out(here.house, TINA, wire.SetVelocity("BTC", hour="0"))
        assert (row.hour, row.day) == ("0.00000000", "2.00000000")
        with pytest.raises(Refused, match="say which limit"):
            await carry_out(here.house, TINA, wire.SetVelocity("BTC"))


async def test_lists_are_searched_and_paged(tmp_path: Path) -> None:
    """Newest first."""
    async with desk(tmp_path) as here:
        ids = []
        for n in range(3):
            here.house.clock.time += 1
            ids.append(await here.ask(500 + n, f"shop {n}"))
        first = await carry_out(here.house, OTTO, wire.ListWithdrawals(limit=2))
        assert ([row.id for row in first.rows], first.more) == ([ids[2], ids[1]], True)
        rest = await carry_out(here.house, OTTO, wire.ListWithdrawals(limit=2, after=ids[1]))
        assert ([row.id for row in rest.rows], rest.more) == ([ids[0]], False)
        found = await carry_out(here.house, OTTO, wire.ListWithdrawals(match=here.world.address("shop 1").upper()))
        assert [row.id for row in found.rows] == [ids[1]]
