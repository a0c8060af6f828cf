"""What becomes of a wish before it is paid: who must look at it, who may, and what stops everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.rejects import Reject
from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount
from exchange.custody.payouts import withdrawal_store
from exchange.custody.payouts.holds import Velocity
from exchange.custody.payouts.rows import WithdrawalRow, stopped
from exchange.custody.payouts.screening import DenyList
from exchange.custody.payouts.withdrawals import NotAsked, Wanted, Withdrawals
from tests.custody.till import ASSET, FUNDED, POLICY, WHO, Till, copied, family, paid, till

_W = WithdrawalState
KEY = bytes(range(32))
NETWORK = Network(
    asset=ASSET,
    name="BTC",
    chain_decimals=8,
    withdrawal_fee=Amount(10),
    withdrawal_min=Amount(20),
    automatic_limit=Amount(10_000),
    one_person_limit=Amount(50_000),
    withdrawals_open=True,
)


async def desk(house: Till, folder: Path) -> Withdrawals:
    """The room, on a network where 10,000 go out at once and 50,000 after one look."""
    for command in (co.SetNetwork(NETWORK), co.SetTierLimit(0, ASSET, Amount(FUNDED), Amount(FUNDED))):
        assert (await house.sequencer.call(command)).reject is None
    return Withdrawals(house.store, house.sequencer, {"BTC": house.chain}, DenyList(folder / "deny.txt"), house.clock)


def wanted(house: Till, atoms: int, name: str = "shop", **more: object) -> Wanted:
    """A wish to pay to an address outside."""
    given = {"account": WHO, "asset": ASSET, "network": "BTC", "address": house.world.address(name)}
    return Wanted(**given, atoms=Amount(atoms), **more)  # type: ignore[arg-type]


async def approve(room: Withdrawals, row: WithdrawalRow, operator: str, key: bytes = KEY) -> int | None:
    """An operator's word, its signature checked elsewhere."""
    return await room.approve(row.id, operator, key, bytes(64))


async def test_a_small_withdrawal_needs_nobody_and_is_paid_less_its_fee(tmp_path: Path) -> None:
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        row = await room.ask(wanted(house, 5_000))
        assert row.state == _W.APPROVED
        await house.until_final(house.worker())
        assert paid(house.world, row.address) == [4_990]
        assert await house.money() == (FUNDED - 5_000, 0)


async def test_b29_a_large_one_waits_for_two_operators_and_two_keys(tmp_path: Path) -> None:
    """B29: the same operator, or another with his key, is no second one."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        row = await room.ask(wanted(house, 60_000))
        assert (row.state, row.needs, row.why) == (_W.RISK_HELD, 2, "the amount needs approval")
        assert await approve(room, row, "ann") == 1
        assert await approve(room, row, "ann", bytes(32)) is None
        assert await approve(room, row, "bert") is None
        assert house.withdrawal(row.id).state == _W.RISK_HELD
        assert await approve(room, row, "bert", bytes(32)) == 0
        assert house.withdrawal(row.id).state == _W.APPROVED


async def test_a_middling_one_waits_for_one(tmp_path: Path) -> None:
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        row = await room.ask(wanted(house, 20_000))
        assert await approve(room, row, "ann") == 0
        assert await approve(room, row, "bert", bytes(32)) is None


async def test_b36_a_denied_destination_waits_and_nobody_can_approve_it(tmp_path: Path) -> None:
    """B36: the list is an operator's file, in whatever case it has the address."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        denied = house.world.address("thief")
        (tmp_path / "deny.txt").write_text(f"# ours\n{denied.upper()} stolen funds\n")
        row = await room.ask(wanted(house, 1_000, "thief"))
        assert (row.state, row.why) == (_W.RISK_HELD, "the destination is denied: stolen funds")
        with pytest.raises(NotAsked, match="stolen funds"):
            await approve(room, row, "ann")
        assert await room.reject(row.id, "stolen funds")
        await house.reports.step()
        assert await house.money() == (FUNDED, 0)


async def test_b36_a_lost_deny_list_holds_everything(tmp_path: Path) -> None:
    """B36: what cannot be read is not empty."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        (tmp_path / "deny.txt").write_text("x\n")
        assert (await room.ask(wanted(house, 1_000))).state == _W.APPROVED
        (tmp_path / "deny.txt").unlink()
        assert (await room.ask(wanted(house, 1_000))).state == _W.RISK_HELD
        (tmp_path / "deny.txt").write_bytes(b"\xff")
        assert (await room.ask(wanted(house, 1_000))).state == _W.RISK_HELD


async def test_b30_several_odd_signs_together_make_it_wait(tmp_path: Path) -> None:
    """B30: a new address alone is everyday."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        odd = await room.ask(wanted(house, 1_000, new_device=True))
        assert (odd.state, odd.why) == (_W.RISK_HELD, "a new address and a new device")
        late = await room.ask(wanted(house, 1_000, credentials=house.clock.now()))
        assert late.why == "a new address and credentials changed lately"
        assert (await room.ask(wanted(house, 1_000))).state == _W.APPROVED


async def test_b28_one_account_in_a_hurry_waits_alone(tmp_path: Path) -> None:
    """B28: nobody can stop the others by hurrying."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        await house.store.write(
            lambda db: withdrawal_store.set_velocity(db, ASSET, Velocity(account_hour=Amount(3_000)))
        )
        assert (await room.ask(wanted(house, 2_000))).state == _W.APPROVED
        row = await room.ask(wanted(house, 2_000))
        assert row.why == "this account withdraws more in an hour than is usual"
        assert not stopped(house.store.reader, "BTC")


async def test_b28_more_than_the_house_expects_stops_all_payouts_of_the_chain(tmp_path: Path) -> None:
    """B28: what was approved before waits too, until an operator lets it go on."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        await house.store.write(lambda db: withdrawal_store.set_velocity(db, ASSET, Velocity(hour=Amount(3_000))))
        first = await room.ask(wanted(house, 2_000))
        second = await room.ask(wanted(house, 2_000))
        assert "4000 atoms were asked for within an hour" in stopped(house.store.reader, "BTC")
        await house.worker().step()
        assert (house.withdrawal(first.id).payout, second.state) == (None, _W.RISK_HELD)


async def test_a_destination_that_is_one_of_our_peoples_is_paid_inside(tmp_path: Path) -> None:
    """No chain sees it; one's own and the house's addresses are refused."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        await house.sequencer.call(co.OpenAccount("ben"))
        for name, account in (("bens", 101), ("own", WHO)):
            await house.give(house.world.address(name), account)
        row = await room.ask(wanted(house, 5_000, "bens"))
        assert row.inside == AccountId(101)
        await house.reports.step()
        await room.settle_inside()
        await house.worker().step()
        assert house.withdrawal(row.id).told == _W.FINAL
        assert not house.world.pool
        for name in ("own", "hot"):
            with pytest.raises(NotAsked, match="an address of this exchange"):
                await room.ask(wanted(house, 5_000, name))


async def test_its_owner_takes_it_back_until_the_signer_is_asked(tmp_path: Path) -> None:
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        early, late = await room.ask(wanted(house, 5_000)), await room.ask(wanted(house, 6_000))
        assert not await room.cancel(early.id, AccountId(101))
        assert await room.cancel(early.id, WHO)
        await house.worker(copied(POLICY, batch=1)).step()
        assert not await room.cancel(late.id, WHO)
        assert not await room.reject(late.id, "too late")
        await house.until_final_of(late.id)
        assert await house.money() == (FUNDED - 6_000, 0)


async def test_what_the_ledger_refuses_never_was(tmp_path: Path) -> None:
    """Nor what is no address, or has a name of one's own twice."""
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        with pytest.raises(NotAsked) as refused:
            await room.ask(wanted(house, FUNDED + 1))
        assert refused.value.reject is Reject.DAY_LIMIT
        with pytest.raises(NotAsked, match="begins with btc1"):
            await room.ask(Wanted(account=WHO, asset=ASSET, network="BTC", address="nowhere", atoms=Amount(100)))
        await room.ask(wanted(house, 100, client_id="mine"))
        with pytest.raises(NotAsked, match="was used for a withdrawal before"):
            await room.ask(wanted(house, 100, client_id="mine"))
        assert house.store.reader.execute("SELECT count(*) FROM withdrawals").fetchone() == (1,)


async def test_after_a_crash_between_file_and_ledger_it_never_was_or_is_judged(tmp_path: Path) -> None:
    async with till(tmp_path, family("BTC")) as house:
        room = await desk(house, tmp_path)
        kept, lost = await room.ask(wanted(house, 5_000)), await room.ask(wanted(house, 6_000))
        await house.store.write(
            lambda db: db.execute(
                "UPDATE withdrawals SET state = 0, told = 0, id = iif(id = ?, 'lost', id)", (lost.id,)
            )
        )
        await room.recover()
        assert house.withdrawal(kept.id).state == _W.APPROVED
        assert house.store.reader.execute("SELECT id FROM withdrawals").fetchall() == [(kept.id,)]


def test_b36_a_deny_list_is_read_however_its_columns_are_parted(tmp_path: Path) -> None:
    """A mark of UTF-8 at its beginning, tabs: as other programs write it."""
    (tmp_path / "deny.txt").write_bytes(b"\xef\xbb\xbf0xAB stolen\n0xCD\tstolen too\n0xEF\n")
    deny = DenyList(tmp_path / "deny.txt")
    assert [deny("ETH", one) for one in ("0xab", "0xcd", "0xef", "0x12")] == [
        "stolen",
        "stolen too",
        "on the deny-list",
        "",
    ]


@pytest.mark.parametrize("along", [True, False])
async def test_inside_the_house_the_fee_goes_where_it_was_asked_to_go(tmp_path: Path, along: bool) -> None:
    """No network is paid: to the recipient, or back (`transactionFeeFlag`)."""
    async with till(tmp_path, family("BTC")) as house:
        room, bob = await desk(house, tmp_path), AccountId(101)
        assert (await house.sequencer.call(co.OpenAccount("bob"))).reject is None
        await house.give(house.world.address("bob"), bob)
        await room.ask(wanted(house, 5_000, "bob", fee_along=along))
        await house.reports.step()
        await room.settle_inside()
        assert await house.money() == (FUNDED - (5_000 if along else 4_990), 0)
        assert await house.sequencer.read(lambda state: state.available(bob, ASSET)) == (5_000 if along else 4_990)
