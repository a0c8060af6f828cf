"""A deposit's life, end to end through the real sequencer: credited once, whatever the chain does."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.transfers import DepositState
from exchange.core.units import Amount
from exchange.custody.deposits.confirmations import HOUSE
from exchange.custody.deposits.explainer import explain
from exchange.custody.memory.world import Output, Transaction
from exchange.custody.port import Purpose
from tests.custody.harbour import ALICE, BOB, BTC, TOK, TOKEN, harbour, network

SEEN, CONFIRMING, CREDITED, HELD, ORPHANED = (
    DepositState.SEEN,
    DepositState.CONFIRMING,
    DepositState.CREDITED,
    DepositState.HELD,
    DepositState.ORPHANED,
)


async def test_a_deposit_is_seen_then_confirming_then_credited(tmp_path: Path) -> None:
    """The ledger hears of it when it is credited, and not before."""
    async with harbour(tmp_path) as h:
        h.world.pay(h.alice, 5_000)
        await h.follow()
        assert (h.states(), h.has()) == ([SEEN], 0)
        h.world.mine()
        await h.follow()
        assert (h.states(), h.has()) == ([CONFIRMING], 0)
        h.world.mine()
        await h.follow()
        assert (h.states(), h.has(), h.ledger_states()) == ([CREDITED], 5_000, [CREDITED])
        assert not list(audit.violations(h.sequencer.state))


async def test_it_is_credited_once_however_often_we_look(tmp_path: Path) -> None:
    """Blocks that follow change nothing."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine()
        for _ in range(5):
            h.world.mine()
            await h.follow()
        assert (h.has(), len(h.ledger_states())) == (5_000, 1)


async def test_a_large_amount_waits_longer(tmp_path: Path) -> None:
    """By the network's table: four blocks from a million on."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine(1_000_000, blocks=3)
        assert h.has() == 0
        h.world.mine()
        await h.follow()
        assert h.has() == 1_000_000


async def test_a_large_amount_waits_for_the_chains_own_word_where_there_is_one(tmp_path: Path) -> None:
    """A small one does not."""
    async with harbour(tmp_path) as h:
        h.node.finality = 8
        h.world.pay(h.bob, 5_000)
        await h.pay_and_mine(1_000_000, blocks=8)
        assert (h.has(), h.has(BOB)) == (0, 5_000)
        h.world.mine()
        await h.follow()
        assert h.has() == 1_000_000


async def test_two_equal_outputs_of_one_transaction_are_two_deposits(tmp_path: Path) -> None:
    """Known elsewhere: credited once, because amount and transaction are the same."""
    async with harbour(tmp_path) as h:
        h.world.pay(h.alice, 5_000, 5_000)
        h.world.mine(2)
        await h.follow()
        assert h.has() == 10_000


async def test_four_outputs_of_ours_in_one_transaction_are_four_deposits(tmp_path: Path) -> None:
    """Whoever's they are; the same again in another transaction too."""
    async with harbour(tmp_path) as h:
        for _ in range(2):
            h.world.pay(h.alice, 5_000, 7_000, 5_000, 5_000)
        h.world.mine(2)
        await h.follow()
        assert (h.has(), len(h.rows())) == (44_000, 8)


async def test_a_deposit_in_a_block_that_was_never_looked_at_by_itself_is_credited(tmp_path: Path) -> None:
    """Known elsewhere: the height moved on before the block's deposits were handled, and they were lost.

    Here the disk fails in the middle of the block: neither the height nor the deposit is there afterwards, then both.
    """
    async with harbour(tmp_path) as h:
        h.world.pay(h.alice, 5_000)
        h.world.mine(3)

        def fail(*_: object) -> None:
            raise OSError

        h.watcher._also = fail
        before = h.watcher.status.height
        with pytest.raises(OSError):  # noqa: PT011  # ours, planted above
            await h.read()
        assert (h.watcher.status.height, h.rows()) == (before, [])
        h.watcher._also = None
        await h.follow()
        assert h.has() == 5_000


async def test_after_an_outage_every_block_is_read(tmp_path: Path) -> None:
    """Known elsewhere: after an outage the watcher began at the head, and what lay between was lost."""
    async with harbour(tmp_path) as h:
        world = h.world
    world.pay(h.alice, 5_000)
    world.mine(300)
    world.pay(h.alice, 7_000)
    world.mine(300)
    async with harbour(tmp_path, world) as h:
        assert h.has() == 12_000


async def test_after_a_kill_between_block_and_report_it_is_credited_once(tmp_path: Path) -> None:
    """The report waits in custody.db; told again it is no news."""
    async with harbour(tmp_path) as h:
        h.world.pay(h.alice, 5_000)
        h.world.mine(2)
        await h.read()
        assert h.has() == 0
    async with harbour(tmp_path, h.world) as h:
        assert h.has() == 5_000
        await h.store.write(lambda db: db.execute("UPDATE reports SET done = 0"))
        await h.tell()
        assert h.has() == 5_000


async def test_a_one_block_reorg_before_credit_credits_once(tmp_path: Path) -> None:
    """Orphaned, then mined again in another block."""
    async with harbour(tmp_path) as h:
        txid = await h.pay_and_mine(blocks=1)
        h.world.reorg(1)
        await h.follow()
        assert (h.states(), h.has()) == ([SEEN], 0)  # orphaned, and waiting to be mined again
        h.world.mine(1, only=[txid])
        await h.follow()
        assert (h.states(), h.has()) == ([CONFIRMING], 0)
        h.world.mine()
        await h.follow()
        assert (h.has(), h.alarms()) == (5_000, [])


async def test_a_credited_deposit_that_is_orphaned_is_taken_back_and_the_account_frozen(tmp_path: Path) -> None:
    """An alarm says so."""
    async with harbour(tmp_path) as h:
        txid = await h.pay_and_mine()
        h.world.reorg(2)
        h.world.drop(txid)
        await h.follow()
        assert (h.states(), h.has(), h.ledger_states()) == ([ORPHANED], 0, [ORPHANED])
        assert h.sequencer.state.accounts[ALICE].frozen
        assert h.alarms() == ["deposit_reversed"]


async def test_what_was_seen_and_then_fails_on_the_chain_is_waited_for_no_more(tmp_path: Path) -> None:
    """A token's transfer by somebody who has none, say: mined, and it paid nothing."""
    async with harbour(tmp_path) as h:
        failing = Transaction((), (Output(h.alice, "5000"),), salt=1, reverts=True)
        h.world.pool[failing.txid] = failing
        await h.follow()
        assert h.states() == [SEEN]
        h.world.mine()
        await h.follow()
        assert (h.states(), h.has(), h.alarms()) == ([ORPHANED], 0, [])
        (one,) = explain(h.store.reader, failing.txid)
        assert one.why == "it was mined, and failed: nothing was paid"


async def test_credited_then_orphaned_then_mined_again_is_one_credit(tmp_path: Path) -> None:
    """Net: in the ledger it is two deposits, of which one was undone."""
    async with harbour(tmp_path) as h:
        txid = await h.pay_and_mine()
        h.world.reorg(2, 3, only=[txid])
        await h.follow()
        assert (h.states(), h.has(), sorted(h.ledger_states())) == ([CREDITED], 5_000, [CREDITED, ORPHANED])
        assert not list(audit.violations(h.sequencer.state))


async def test_what_was_spent_before_it_was_orphaned_becomes_a_debt_and_a_new_deposit_pays_it(tmp_path: Path) -> None:
    """Nobody's balance is negative."""
    async with harbour(tmp_path) as h:
        txid = await h.pay_and_mine()
        await h.do(co.SetTierLimit(0, BTC, Amount(10**9), Amount(10**9)))
        await h.do(co.SetNetwork(network(withdrawals_open=True)))
        await h.do(co.RequestWithdrawal("w", ALICE, BTC, Amount(4_000), "BTC"))
        h.world.reorg(2)
        h.world.drop(txid)
        await h.follow()
        assert h.has() == 0
        assert h.sequencer.state.owed(ALICE, BTC) == 4_000
        await h.pay_and_mine(6_000)
        assert (h.has(), h.sequencer.state.owed(ALICE, BTC)) == (2_000, 0)


async def test_a_chain_that_goes_back_to_its_first_branch_credits_once(tmp_path: Path) -> None:
    """The same block is the same deposit."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine()
        first = list(h.world.best)
        h.world.reorg(2, 3)
        await h.follow()
        assert h.has() == 0
        h.world.best[:] = first
        h.world.pool.clear()
        h.world.mine(3)
        await h.follow()
        assert (h.has(), h.ledger_states()) == (5_000, [CREDITED])


async def test_a_replaced_unconfirmed_deposit_is_never_credited(tmp_path: Path) -> None:
    """It was shown; now it is said to be gone."""
    async with harbour(tmp_path) as h:
        txid = h.world.pay(h.alice, 5_000)
        await h.follow()
        h.world.drop(txid)
        h.world.mine(3)
        await h.follow()
        assert (h.states(), h.has()) == ([ORPHANED], 0)


async def test_dust_is_recorded_and_not_credited(tmp_path: Path) -> None:
    """With the reason."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine(99)
        (row,) = h.rows()
        assert (row.state, row.why, h.has()) == (HELD, "dust: below the smallest deposit", 0)


async def test_a_token_is_credited_in_the_ledgers_atoms_and_its_dust_is_recorded(tmp_path: Path) -> None:
    """18 decimals on the chain, 6 in the ledger: rounded down."""
    async with harbour(tmp_path) as h:
        h.world.pay(h.alice, 1_234_567_890_123_456_789, contract=TOKEN)
        h.world.mine(4)
        await h.follow()
        (row,) = h.rows()
        assert (h.has(asset=TOK), row.dust) == (1_234_567, "890123456789")


async def test_an_unlisted_token_is_recorded_and_held_even_after_it_is_listed(tmp_path: Path) -> None:
    """Whether its events were true nobody has checked."""
    async with harbour(tmp_path) as h:
        h.world.pay(h.alice, 10**20, contract="0xfa4e")
        h.world.mine(3)
        await h.follow()
        assert h.states() == [HELD]
        await h.do(co.ListAsset("NEW", 8), co.SetNetwork(network(Amount(3), contract="0xfa4e")))  # type: ignore[arg-type]
        h.world.mine(3)
        await h.follow()
        assert h.states() == [HELD]


async def test_deposits_that_were_closed_are_credited_when_they_open(tmp_path: Path) -> None:
    """They are held meanwhile."""
    async with harbour(tmp_path) as h:
        await h.do(co.SetNetwork(network(deposits_open=False)))
        await h.pay_and_mine(blocks=3)
        assert (h.states(), h.has()) == ([HELD], 0)
        await h.do(co.SetNetwork(network()))
        h.world.mine()
        await h.follow()
        assert h.has() == 5_000


async def test_a_coinbase_waits_until_it_may_be_spent(tmp_path: Path) -> None:
    """A hundred blocks."""
    async with harbour(tmp_path) as h:
        h.world.pay(h.alice, 5_000, coinbase=True)
        h.world.mine(99)
        await h.follow()
        assert h.has() == 0
        h.world.mine()
        await h.follow()
        assert h.has() == 5_000


async def test_what_the_ledger_refuses_is_held_with_an_alarm_and_holds_up_nobody(tmp_path: Path) -> None:
    """Here more than it can hold: the next deposit is credited."""
    async with harbour(tmp_path) as h:
        for _ in range(17):
            h.world.pay(h.alice, 1 << 58)
        h.world.mine(4)
        await h.pay_and_mine(address=h.bob)
        assert h.alarms() == ["deposit_refused"] * h.states().count(HELD)
        assert h.states().count(HELD) == 2
        assert h.has(BOB) == 5_000


async def test_an_amount_of_any_size_stops_nothing(tmp_path: Path) -> None:
    """A token may claim 2 to the 255th."""
    async with harbour(tmp_path) as h:
        h.world.pay(h.alice, 1 << 255, contract=TOKEN)
        h.world.pay(h.alice, 0, contract=TOKEN)
        await h.pay_and_mine()
        assert (sorted(h.states()), h.has()) == ([CREDITED, HELD, HELD], 5_000)


async def test_what_the_house_gets_is_nobodys_deposit_and_a_coin(tmp_path: Path) -> None:
    """Change, and what goes to the hot wallet."""
    async with harbour(tmp_path) as h:
        await h.pool.add_wallet(Purpose.HOT, "hot")
        (hot,) = [one.address for one in h.pool.watched.values() if one.purpose is Purpose.HOT]
        await h.pay_and_mine(address=hot, blocks=3)
        assert (h.states(), h.ledger_states()) == ([HOUSE], [])
