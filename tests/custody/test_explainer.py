"""Given a transaction id: why a deposit is not credited, and what can safely be done."""

from __future__ import annotations

from pathlib import Path

from exchange.custody.deposits.explainer import explain, look
from exchange.custody.port import NodeFault
from tests.custody.harbour import ALICE, BOB, harbour


async def test_a_deposit_that_waits_says_for_how_many_blocks(tmp_path: Path) -> None:
    """And then that it was credited."""
    async with harbour(tmp_path) as h:
        txid = await h.pay_and_mine(1_000_000, blocks=3)
        (one,) = explain(h.store.reader, txid, ALICE)
        assert (one.state, one.confirmations, one.needed) == ("confirming", 3, 4)
        h.world.mine()
        await h.follow()
        assert explain(h.store.reader, txid)[0].state == "credited"


async def test_somebody_elses_deposit_is_not_told(tmp_path: Path) -> None:
    """To a trader; an operator sees all."""
    async with harbour(tmp_path) as h:
        txid = await h.pay_and_mine()
        assert explain(h.store.reader, txid, BOB) == []
        assert len(explain(h.store.reader, txid)) == 1


async def test_what_is_held_says_why_and_what_to_do(tmp_path: Path) -> None:
    """Dust, and a token that nobody listed."""
    async with harbour(tmp_path) as h:
        dust = await h.pay_and_mine(5)
        fake = h.world.pay(h.alice, 10**18, contract="0xbad")
        h.world.mine(2)
        await h.follow()
        (one,), (other,) = explain(h.store.reader, dust), explain(h.store.reader, fake)
        assert (one.why, other.why[:10]) == ("dust: below the smallest deposit", "not listed")
        assert one.advice.startswith("It is less than")
        assert other.advice.startswith("This token")


async def test_what_we_never_recorded_is_looked_up_on_the_chain(tmp_path: Path) -> None:
    """Unknown, waiting, in a block that we have not read, or in one that pays us nothing."""
    async with harbour(tmp_path) as h:
        stranger = h.world.address("stranger")
        txid = h.world.pay(stranger, 5)
        assert (await look(h.node, h.store.reader, "00" * 32)).state == "unknown"
        assert (await look(h.node, h.store.reader, txid)).state == "seen"
        h.world.mine()
        assert (await look(h.node, h.store.reader, txid)).state == "unread"
        await h.follow()
        assert (await look(h.node, h.store.reader, txid)).state == "not ours"
        h.node.faults.append(NodeFault("down"))
        assert "cannot be asked" in (await look(h.node, h.store.reader, txid)).why


async def test_what_is_no_transactions_id_is_said_to_be_none(tmp_path: Path) -> None:
    """Not that the node is at fault: asking again later helps nobody."""
    async with harbour(tmp_path) as h:
        h.node.faults.append(NodeFault("it must not be asked"))
        for text in ("deadbeef", "ab" * 33, "zz" * 32):
            one = await look(h.node, h.store.reader, text)
            assert (one.state, one.why[:28]) == ("unknown", "this is not the id of a tran")
