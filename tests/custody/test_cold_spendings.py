"""What the cold wallet's own transactions cost is in the equation of reconciliation, and booked once they are deep."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core.postings import FEES, Bucket, balance_key
from exchange.custody.memory.world import Output, Transaction
from exchange.custody.payouts.network_costs import NetworkCosts
from exchange.custody.port import Handed, Purpose
from tests.custody.harbour import BTC, grown
from tests.custody.whole_house import WholeHouse, whole_house

FINAL = 3
ACCOUNTS = pytest.mark.parametrize("accounts", [False, True])


async def cold(house: WholeHouse, amount: int = 100_000) -> str:
    """A cold address with so much, and its claim: a coin, or a nonce."""
    await house.harbour.pool.add_wallet(Purpose.COLD, "elsewhere")
    address = house.address(Purpose.COLD)
    txid = await house.harbour.pay_and_mine(amount, address=address)
    return f"{address}:0" if house.world.accounts else f"{txid}:0"


async def refill(house: WholeHouse, claim: str, *outputs: tuple[str, int], fee: int = 900, mined: bool = True) -> None:
    """A transaction that was signed where the cold keys are."""
    made = Transaction((claim,), tuple(Output(to, str(amount)) for to, amount in outputs), fee)
    assert house.world.hand(made.raw) is Handed.ACCEPTED
    if mined:
        house.world.mine()


def fees(house: WholeHouse) -> int:
    return house.sequencer.state.balances.get(balance_key(FEES, BTC, Bucket.AVAILABLE), 0)


def costs(house: WholeHouse) -> NetworkCosts:
    return NetworkCosts(house.store, house.sequencer, {"BTC": FINAL})


def outputs(house: WholeHouse, change: int) -> list[tuple[str, int]]:
    """30,000 for the hot wallet; where coins are counted, the rest is the cold wallet's again."""
    back = [] if house.world.accounts else [(house.address(Purpose.COLD), change)]
    return [(house.hot, 30_000), *back]


@ACCOUNTS
async def test_a_refill_is_no_mismatch_at_any_step_and_its_cost_is_booked_once(tmp_path: Path, accounts: bool) -> None:
    """Before it is mined, mined, deep enough, booked: the equation holds to the last unit, and nothing is shut."""
    async with whole_house(tmp_path, grown(accounts=accounts)) as house:
        claim, booking = await cold(house), costs(house)
        assert await house.verdicts() == []
        await refill(house, claim, *outputs(house, 69_100), mined=False)
        assert await house.verdicts() == []
        for blocks in range(1, FINAL + 2):
            house.world.mine()
            assert await house.verdicts() == []
            await booking.step()
            assert fees(house) == (-900 if blocks >= FINAL else 0)
            assert await house.verdicts() == []
        assert house.world.balance(house.address(Purpose.COLD)) == 69_100
        assert not house.sequencer.state.payouts_shut


@ACCOUNTS
async def test_a_refill_that_a_reorganisation_undoes_costs_nothing_and_is_booked_once_in_the_end(
    tmp_path: Path, accounts: bool
) -> None:
    async with whole_house(tmp_path, grown(accounts=accounts)) as house:
        claim, booking = await cold(house), costs(house)
        await refill(house, claim, *outputs(house, 69_100))
        assert await house.verdicts() == []
        house.world.reorg(1)
        assert await house.verdicts() == []
        house.world.mine(FINAL)
        for _ in range(2):
            assert await house.verdicts() == []
            await booking.step()
        assert (fees(house), await house.verdicts()) == (-900, [])


async def test_a_high_share_for_the_network_is_a_cost_too(tmp_path: Path) -> None:
    """Of a small coin the fee is more than a hundredth."""
    async with whole_house(tmp_path, grown()) as house:
        claim = await cold(house, 10_000)
        await refill(house, claim, (house.hot, 7_000), fee=3_000)
        assert await house.verdicts() == []


@ACCOUNTS
async def test_what_the_cold_wallet_pays_to_others_is_found_missing(tmp_path: Path, accounts: bool) -> None:
    async with whole_house(tmp_path, grown(accounts=accounts)) as house:
        claim = await cold(house)
        thief = house.world.address("thief")
        await refill(house, claim, (house.hot, 30_000), (thief, 69_100))
        (verdict,) = await house.verdicts()
        assert "difference -69100" in verdict


async def test_a_transaction_that_pays_nobody_here_is_found_missing(tmp_path: Path) -> None:
    """Its fee is not known, and nobody asks."""
    async with whole_house(tmp_path, grown()) as house:
        claim = await cold(house)
        await refill(house, claim, (house.world.address("thief"), 99_100))
        (verdict,) = await house.verdicts()
        assert "difference -100000" in verdict
