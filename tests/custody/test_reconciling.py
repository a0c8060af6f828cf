"""Chains, books and ledger are compared: what is on its way is no mismatch, and every planted lie is found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from exchange.core import commands as co
from exchange.core.transfers import DepositState
from exchange.core.units import Amount
from exchange.custody.deposits import chain_rows
from exchange.custody.payouts.withdrawals import Wanted
from exchange.custody.port import Header, NodeFault
from exchange.custody.proof import reconcile_rows
from exchange.custody.proof.reconciling import NotNow
from tests.custody.harbour import ALICE, BOB, BTC, grown
from tests.custody.whole_house import WholeHouse, thief, whole_house


async def asked(house: WholeHouse, address: str = "", atoms: int = 30_000) -> str:
    """Alice, who has 100,000, asks for a withdrawal; its id."""
    await house.harbour.pay_and_mine(100_000)
    address = address or house.world.address("somewhere")
    return (
        await house.withdrawals.ask(
            Wanted(account=ALICE, asset=BTC, network="BTC", address=address, atoms=Amount(atoms))
        )
    ).id


async def found(house: WholeHouse, words: str) -> None:
    """The mismatch is told, with these words, as an alarm, and shuts the asset's payouts."""
    (verdict,) = await house.verdicts()
    assert words in verdict
    assert words in house.sequencer.state.payouts_shut[BTC]
    assert any(one.kind == "reserves" for one in chain_rows.alarms(house.store.reader, "BTC"))
    assert {row.verdict for row in reconcile_rows.newest(house.store.reader) if row.asset == BTC} == {verdict}


@pytest.mark.parametrize("accounts", [False, True])
async def test_all_agrees_at_every_step_of_a_deposit_and_a_withdrawal(tmp_path: Path, accounts: bool) -> None:
    async with whole_house(tmp_path, grown(accounts=accounts)) as house:
        await asked(house)
        for _ in range(8):
            await house.harbour.read()
            assert await house.verdicts() == []  # the ledger has not been told
            await house.work()
            assert await house.verdicts() == []
            house.world.mine()
        assert not house.sequencer.state.payouts_shut


async def test_agreement_is_recorded_with_block_and_terms(tmp_path: Path) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        await house.compare()
        (row,) = [row for row in reconcile_rows.newest(house.store.reader) if row.asset == BTC]
        assert (row.verdict, row.node, row.own, row.hash) == ("", "600000", "600000", house.world.tip.hash)
        assert '"house":"500000"' in row.terms


async def test_dust_held_money_and_a_reorganisation_are_no_mismatch(tmp_path: Path) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await house.harbour.pay_and_mine(50)  # less than the smallest deposit
        await asked(house)
        house.world.reorg(3)
        assert await house.verdicts() == []  # what was credited is undone, and the ledger has not been told
        await house.work()
        assert await house.verdicts() == []
        await house.calm()
        assert await house.verdicts() == []


async def test_a_block_that_gave_way_is_no_verdict(tmp_path: Path) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        house.world.reorg(2)
        with pytest.raises(NotNow):
            await house.reconciler.compare()
        assert not house.sequencer.state.payouts_shut


async def test_a_node_that_fails_is_no_verdict(tmp_path: Path) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await house.harbour.read()
        house.node.faults.append(NodeFault("503"))
        with pytest.raises(NodeFault):
            await house.reconciler.compare()
        assert not house.sequencer.state.payouts_shut


async def test_a_credit_out_of_nothing_in_custody_db_is_found(tmp_path: Path) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        await house.store.write(
            lambda db: db.execute(
                "INSERT INTO incoming SELECT chain, 'ff' || key, 'ff' || txid, to_key, purpose, place, account,"
                " contract, amount, coinbase, sender, state, why, height, block, due, finality, asset, atoms, dust,"
                " seen, changed, '', 0, '' FROM incoming WHERE account IS NOT NULL"
            )
        )
        await found(house, "BTC has 600000, our books 700000 (difference -100000)")


async def test_a_credit_out_of_nothing_in_the_ledger_is_found(tmp_path: Path) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        state = DepositState.CREDITED
        await house.harbour.do(co.ReportDeposit("BTC:forged:0@block", BOB, BTC, Amount(77), state))
        await found(house, "our books have 600000, the ledger 600077 (difference -77)")


async def test_a_payout_that_was_never_booked_is_found(tmp_path: Path) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        select = "SELECT key FROM incoming WHERE purpose = 2 AND spent_by = '' LIMIT 1"
        ((coin,),) = house.store.reader.execute(select)
        thief(house.world, str(coin), 49_000)
        house.world.mine()
        await found(house, "BTC has 550000, our books 600000 (difference -50000)")


async def test_a_payout_whose_booking_was_lost_is_found(tmp_path: Path) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        for _ in range(3):
            await house.work()
            house.world.mine()
        await house.store.write(lambda db: db.execute("UPDATE payouts SET state = 11, winner = '', height = 0"))
        (verdict,) = await house.verdicts()
        assert "difference -" in verdict


async def test_a_coin_that_the_node_hides_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        honest = house.node.balances

        async def hiding(addresses: Sequence[str], contract: str, header: Header) -> list[int]:
            said = await honest(addresses, contract, header)
            return [0 if one == house.harbour.alice else amount for one, amount in zip(addresses, said, strict=True)]

        monkeypatch.setattr(house.node, "balances", hiding)
        await found(house, "BTC has 500000, our books 600000 (difference -100000)")


async def test_a_coin_that_the_node_hid_in_its_block_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with whole_house(tmp_path, grown()) as house:
        with monkeypatch.context() as patched:
            patched.setattr(house.node, "_incoming", lambda *_: [])
            house.world.pay(house.harbour.bob, 9_000)
            house.world.mine()
            await house.harbour.read()
        (verdict,) = await house.verdicts()
        assert "difference 9000" in verdict or "addresses differ" in verdict


async def test_money_that_a_node_moves_from_one_address_to_another_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        honest = house.node.balances

        async def shifting(addresses: Sequence[str], contract: str, header: Header) -> list[int]:
            said = list(await honest(addresses, contract, header))
            if not contract:
                said[0], said[-1] = said[0] + 5, said[-1] - 5
            return said

        monkeypatch.setattr(house.node, "balances", shifting)
        await found(house, "2 addresses differ")


async def test_a_mismatch_that_a_second_look_does_not_find_shuts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with whole_house(tmp_path, grown()) as house:
        await asked(house)
        honest, calls = house.node.balances, iter(range(10_000))

        async def once(addresses: Sequence[str], contract: str, header: Header) -> list[int]:
            said = await honest(addresses, contract, header)
            return [amount + (next(calls) == 0) for amount in said]

        monkeypatch.setattr(house.node, "balances", once)
        assert await house.verdicts() == []
        assert not house.sequencer.state.payouts_shut
