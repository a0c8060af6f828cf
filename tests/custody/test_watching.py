"""Following a chain whose nodes are late, broken, wrong or contradict each other: it says so, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from exchange.custody.deposits import chain_rows
from exchange.custody.deposits.following import Follower
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.memory.world import Mint
from exchange.custody.port import Header, NodeFault, WrongChain
from exchange.custody.status import Following
from tests.custody.harbour import Harbour, grown, harbour
from tests.ledger.busy import Ticking


async def test_a_late_node_is_waited_for_and_undoes_nothing(tmp_path: Path) -> None:
    """Its tip is one of our blocks: the chain has not changed, only the node is behind."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine(blocks=3)
        h.node.behind = 3
        await h.follow()
        assert (h.has(), h.watcher.status.following) == (5_000, Following.WAITING)
        assert "3 blocks behind" in h.watcher.status.words
        h.node.behind = 0
        await h.follow()
        assert h.watcher.status.following is Following.FOLLOWING


async def test_a_head_that_goes_backwards_is_followed_once_another_branch_is_there(tmp_path: Path) -> None:
    """Until then nothing is taken back."""
    async with harbour(tmp_path) as h:
        txid = await h.pay_and_mine()
        gone = h.world.best[-2:]
        del h.world.best[-2:]
        await h.follow()
        assert h.has() == 5_000
        h.world.pool.clear()
        h.world.mine(2)
        await h.follow()
        assert (h.has(), h.world.mint_of(txid), len(gone)) == (0, None, 2)


async def test_a_node_that_was_restarted_empty_undoes_nothing(tmp_path: Path) -> None:
    """It has the same genesis block and nothing else."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine()
        h.node.behind = 10**6
        with pytest.raises(NodeFault, match="lost its data"):
            await h.read()
        assert h.has() == 5_000


async def test_a_reorg_within_the_limit_is_followed(tmp_path: Path) -> None:
    """The limit is ten blocks here."""
    async with harbour(tmp_path) as h:
        h.world.mine(10)
        await h.follow()
        h.world.reorg(10)
        await h.follow()
        assert h.watcher.status.height == h.world.tip.height


async def test_a_reorg_just_after_the_first_start_is_followed(tmp_path: Path) -> None:
    """Into blocks from before we began; what they pay us is credited."""
    async with harbour(tmp_path) as h:
        first = chain_rows.progress(h.store.reader, "BTC")
        txid = h.world.pay(h.alice, 5_000)
        h.world.reorg(5, 8, only=[txid])
        await h.follow()
        mined = h.world.mint_of(txid)
        assert first is not None
        assert mined is not None
        assert mined.header.height < first.first
        assert h.has() == 5_000


async def test_a_deeper_reorg_stops_the_chain_with_an_alarm_and_changes_nothing(tmp_path: Path) -> None:
    """That it is stopped is on disk, until an operator lets it go on."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine(blocks=11)
        h.world.reorg(11)
        for _ in range(2):
            with pytest.raises(WrongChain, match="more than 10 blocks"):
                await h.read()
        assert (h.has(), h.alarms()) == (5_000, ["stopped"])
        assert h.watcher.status.following is Following.STOPPED
        at = chain_rows.progress(h.store.reader, "BTC")
        assert at is not None
        assert "more than 10 blocks" in at.stopped


async def test_another_genesis_block_stops_the_chain(tmp_path: Path) -> None:
    """The node follows another chain than the settings mean."""
    async with harbour(tmp_path) as h:
        h.node.identity = "ff"
        with pytest.raises(WrongChain):
            await h.watcher.check()
        with pytest.raises(WrongChain, match=r"custody\.db follows a chain"):
            await h.read()


async def test_a_second_node_that_is_late_or_disagrees_halts_crediting(tmp_path: Path) -> None:
    """Nothing is credited that it does not say too; once it does, all is."""
    async with harbour(tmp_path, second=None) as h:
        other = MemoryChain(h.world)
        h.watcher._second = other
        other.behind = 2
        h.world.pay(h.alice, 5_000)
        h.world.mine(2)
        with pytest.raises(NodeFault, match="the second node has no block 21 yet"):
            await h.read()
        assert h.rows() == []
        other.behind = 0
        await h.follow()
        assert h.has() == 5_000


async def test_a_second_node_on_another_branch_halts_crediting(tmp_path: Path) -> None:
    """The words name block and both hashes."""
    async with harbour(tmp_path) as h:
        h.watcher._second = MemoryChain(grown(30))
        h.world.mine(2)
        h.watcher._second.world.reorg(12, 15)
        with pytest.raises(NodeFault, match="the nodes disagree on block 21"):
            await h.read()


async def test_a_node_that_invents_a_payment_is_contradicted_by_the_second(tmp_path: Path) -> None:
    """Under the right hash: the other has the block too, without it."""
    async with harbour(tmp_path) as h:
        truth = grown()
        h.watcher._second = MemoryChain(truth)
        h.world.pay(h.alice, 5_000)
        lie = h.world.mine()
        truth.best.append(Mint(lie, {}))
        with pytest.raises(NodeFault, match="disagree on what a block pays us"):
            await h.read()
        assert h.rows() == []


async def test_a_payment_that_two_blocks_have_is_credited_by_neither_again(tmp_path: Path) -> None:
    """No chain can have it twice: the node is broken, or lies."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine()
        mint = h.world.best[-2]
        again = Header(h.world.tip.height + 1, "ab" * 32, h.world.tip.hash, h.world.tip.time)
        h.world.best.append(Mint(again, mint.transactions))
        with pytest.raises(NodeFault, match="and so has block"):
            await h.read()
        assert h.has() == 5_000


async def test_an_old_tip_is_told(tmp_path: Path) -> None:
    """The node may have lost its peers."""
    async with harbour(tmp_path, stale_after_seconds=7_200) as h:
        h.watcher._clock = Ticking(now=1_800_000_000_000_000)  # blocks of this world are from 2023
        await h.follow()
        assert h.watcher.status.following is Following.WAITING
        assert "seconds old" in h.watcher.status.words


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # what is waited for has no event; the clock is a mock
        await trio.sleep(1)


async def _run(h: Harbour, follower: Follower, nursery: trio.Nursery) -> None:
    nursery.start_soon(follower.run)
    nursery.start_soon(h.ledger.run)


async def test_a_chain_whose_node_fails_is_tried_again_and_the_other_goes_on(
    tmp_path: Path, autojump_clock: object
) -> None:
    """A fault, a bug and a time-out end nothing."""
    async with harbour(tmp_path) as h, trio.open_nursery() as nursery:
        follower = Follower(h.watcher, h.store, Ticking(), 0.5)
        h.node.faults.extend([NodeFault("503"), ZeroDivisionError(), NodeFault("time-out"), TypeError("bug")])
        await _run(h, follower, nursery)
        h.world.pay(h.alice, 5_000)
        h.world.mine(2)
        await _until(lambda: bool(h.has()))
        assert not h.node.faults
        nursery.cancel_scope.cancel()


async def test_a_lasting_failure_is_an_alarm_that_ends_with_it(tmp_path: Path, autojump_clock: object) -> None:
    """One alarm, however often it is tried."""
    async with harbour(tmp_path) as h, trio.open_nursery() as nursery:
        follower = Follower(h.watcher, h.store, Ticking(), 0.5)
        h.node.faults.extend([NodeFault("down")] * 40)
        await _run(h, follower, nursery)
        await _until(lambda: bool(h.alarms()))
        assert (h.alarms(), h.watcher.status.words) == (["node"], "down")
        h.node.faults.clear()
        await _until(lambda: not h.alarms())
        assert h.watcher.status.following is Following.FOLLOWING
        nursery.cancel_scope.cancel()


async def test_a_stopped_chain_goes_on_when_an_operator_says_so(tmp_path: Path, autojump_clock: object) -> None:
    """Here the old branch has returned meanwhile."""
    async with harbour(tmp_path) as h, trio.open_nursery() as nursery:
        await h.store.write(partial(chain_rows.stop, chain="BTC", why="a drill"))
        follower = Follower(h.watcher, h.store, Ticking(), 0.5)
        await _run(h, follower, nursery)
        h.world.pay(h.alice, 5_000)
        h.world.mine(2)
        await _until(lambda: h.watcher.status.following is Following.STOPPED)
        await trio.sleep(300)
        assert (h.has(), h.watcher.status.words) == (0, "a drill")
        await follower.resume()
        await _until(lambda: bool(h.has()))
        nursery.cancel_scope.cancel()


async def test_an_operators_word_is_not_undone_by_the_round_that_it_came_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that had read that the chain is stopped wrote so once more, after the chain had been let go."""
    async with harbour(tmp_path) as h:
        await h.store.write(partial(chain_rows.stop, chain="BTC", why="a drill"))
        where = h.watcher._where

        async def let_go_meanwhile() -> chain_rows.Progress:
            found = await where()
            await h.store.write(partial(chain_rows.stop, chain="BTC", why=""))
            return found

        monkeypatch.setattr(h.watcher, "_where", let_go_meanwhile)
        with pytest.raises(WrongChain, match="a drill"):
            await h.watcher.step()
        assert not (await where()).stopped
