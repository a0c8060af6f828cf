"""Payouts on a real bitcoind: what was approved is paid once, whatever node, miners and thieves do meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest

from exchange.core import audit
from exchange.core.transfers import WithdrawalState
from exchange.custody.bitcoin import psbt as bitcoin_psbt
from exchange.custody.bitcoin.address import script_of
from exchange.custody.payouts.purse import Books
from exchange.custody.payouts.rows import stopped
from exchange.custody.port import Coin, FeeTooHigh, Handed, Owned, Payment, Purpose, Standing, Unaffordable
from exchange.custody.signing import Wish
from exchange.demo.nodes.bitcoind import Refusal, running
from tests.chains.bitcoin.house import BOB, FUNDED, NAME, POLICY, House, house
from tests.chains.bitcoin.regtest import COIN, Regtest

_W = WithdrawalState


async def test_an_approved_withdrawal_is_paid_once_to_the_last_unit_and_settled(
    tmp_path: Path, regtest: Regtest
) -> None:
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        address = regtest.stranger()
        await h.approve("w1", 1_234_567, address)
        await h.until_final(h.worker())
        assert regtest.unspent(address) == [1_234_567]
        assert (h.has(BOB), h.held(BOB)) == (FUNDED - 1_234_567, 0)
        assert not list(audit.violations(h.sequencer.state))


@pytest.mark.parametrize("kind", ["legacy", "p2sh-segwit", "bech32", "bech32m"])
async def test_every_kind_of_address_is_paid(tmp_path: Path, regtest: Regtest, kind: str) -> None:
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        address = regtest.address(kind)
        await h.approve("w1", 20_000, address)
        await h.until_final(h.worker())
        assert regtest.unspent(address) == [20_000]


async def test_a_batch_pays_several_with_one_transaction(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        addresses = [regtest.stranger() for _ in range(5)]
        for number, address in enumerate(addresses):
            await h.approve(f"w{number}", 10_000 + number, address)
        await h.until_final(h.worker(msgspec.structs.replace(POLICY, batch=10)))
        assert [regtest.unspent(address) for address in addresses] == [[10_000 + number] for number in range(5)]
        assert not h.attempts(2)


async def test_one_coin_pays_two_payouts_before_it_is_mined(tmp_path: Path, regtest: Regtest) -> None:
    """The change of the first, which waits, pays the second."""
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        first, second = regtest.stranger(), regtest.stranger()
        worker = h.worker()
        await h.approve("w1", 10_000, first)
        await h.send(worker)
        await h.follow()
        await h.approve("w2", 20_000, second)
        await h.send(worker, payout=2)
        assert {h.attempts(1)[0].txid, h.attempts(2)[0].txid} <= set(regtest.waiting())
        await h.until_final(worker)
        assert (regtest.unspent(first), regtest.unspent(second)) == ([10_000], [20_000])


async def test_a_payout_out_of_which_a_reorg_took_the_block_is_paid_once(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        address, worker = regtest.stranger(), h.worker()
        await h.approve("w1", 10_000, address)
        await h.send(worker)
        await h.mine()
        await worker.step()
        assert h.withdrawal("w1").told == _W.CONFIRMED
        regtest.back(1)
        for _ in range(2):
            regtest.mine_only()
        await h.follow()
        for _ in range(2):
            await worker.step()
        assert h.withdrawal("w1").told == _W.SENT
        await h.until_final(worker)
        assert regtest.unspent(address) == [10_000]


async def test_a_node_that_crashes_and_loses_its_pool_gets_the_same_bytes_again(
    tmp_path: Path, regtest: Regtest
) -> None:
    """A dropped transaction: every node has forgotten it."""
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        address, worker = regtest.stranger(), h.worker()
        await h.approve("w1", 10_000, address)
        await h.send(worker)
        sent = regtest.waiting()
        regtest.forget()
        assert regtest.waiting() == []
        await worker.step()
        assert regtest.waiting() == sent
        await h.until_final(worker)
        assert (regtest.unspent(address), len(h.attempts())) == ([10_000], 1)


async def test_a_payout_that_is_not_mined_is_replaced_by_one_that_excludes_it(tmp_path: Path, regtest: Regtest) -> None:
    """Of both only one can be mined, and the house pays more for the second."""
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        address, worker = regtest.stranger(), h.worker()
        await h.approve("w1", 10_000, address)
        await h.send(worker)
        for _ in range(3):
            regtest.mine_only()
            await h.follow()
        await h.send(worker, tries=2)
        first, second = h.attempts()
        assert set(first.draft.claims) & set(second.draft.claims)
        assert second.draft.fee > first.draft.fee
        assert second.txid in regtest.waiting()
        assert first.txid not in regtest.waiting()
        await h.until_final(worker)
        assert regtest.unspent(address) == [10_000]


async def test_the_first_attempt_is_mined_after_it_was_replaced(tmp_path: Path, regtest: Regtest) -> None:
    """A miner had kept it: the books follow the one that is mined, and nobody is paid twice."""
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        address, worker = regtest.stranger(), h.worker()
        await h.approve("w1", 10_000, address)
        await h.send(worker)
        for _ in range(3):
            regtest.mine_only()
            await h.follow()
        await h.send(worker, tries=2)
        first, second = h.attempts()
        assert first.raw is not None
        regtest.call("generateblock", regtest.address(), [first.raw.hex()])
        await h.follow()
        await h.until_final(worker)
        assert regtest.unspent(address) == [10_000]
        assert (await h.chain.find(second.txid)).standing is Standing.UNKNOWN


async def test_a_payout_whose_coin_a_thief_spent_raises_an_alarm_and_is_not_paid_again(
    tmp_path: Path, regtest: Regtest
) -> None:
    """Somebody else has the key; the chain's payouts stop."""
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        worker = h.worker()
        await h.approve("w1", 10_000, regtest.stranger())
        await h.send(worker)
        regtest.forget()
        thief = await _steal(h, regtest)
        regtest.send(thief)
        for _ in range(4):
            await h.mine()
            await worker.step()
        assert "not ours" in stopped(h.store.reader, NAME)
        await h.approve("w2", 5_000, regtest.stranger())
        await worker.step()
        assert h.withdrawal("w2").payout is None


async def _steal(h: House, regtest: Regtest) -> bytes:
    """A transaction that our keys sign and our books do not know, with the coin of the first attempt."""
    inputs, _ = bitcoin_psbt.decode(h.attempts()[0].draft.body)
    outputs = [bitcoin_psbt.Output(inputs[0].amount - 50_000, script_of(regtest.network, regtest.stranger()))]
    body = bitcoin_psbt.encode(inputs[:1], outputs)
    return (await h.sign(Wish("theft", NAME, body, ()))).raw


async def test_a_bump_that_is_too_small_is_refused_by_the_node_and_ours_is_not(
    tmp_path: Path, regtest: Regtest
) -> None:
    """By BIP125 a replacement pays more than all it replaces, and for its own way."""
    async with house(tmp_path, regtest) as h:
        first = regtest.send(regtest.craft([], fee=20_000))
        with pytest.raises(Refusal, match="insufficient fee"):
            regtest.send(regtest.craft([], spending=first, fee=20_010))
        assert await h.chain.hand(regtest.craft([], spending=first, fee=20_010)) is Handed.REFUSED
        await h.fill(COIN)
        await h.approve("w1", 10_000, regtest.stranger())
        tried = await h.send(h.worker())
        quote = await h.spending.quote(tried.draft.payments)
        better = await h.books(lambda purse: h.spending.replace("again", [tried.draft], quote, purse))
        signed = await h.sign(Wish(better.id, NAME, better.body, better.payments))
        assert await h.chain.hand(signed.raw) is Handed.ACCEPTED
        assert regtest.waiting().count(signed.txid) == 1
        assert tried.txid not in regtest.waiting()


async def test_a_replacement_without_change_takes_another_coin(tmp_path: Path, regtest: Regtest) -> None:
    """Everything the first coin had went to the recipient; the second one pays the difference."""
    async with house(tmp_path, regtest) as h:
        await h.fill(100_000)
        payment = Payment("w1", regtest.stranger(), 97_000)
        quote = await h.spending.quote([payment])
        first = await h.books(lambda purse: h.spending.build("a", [payment], quote, purse))
        with pytest.raises(Unaffordable):
            await h.books(lambda purse: h.spending.replace("b", [first], _rate(quote, 200_000), purse), Without)
        await h.fill(50_000)
        Without.gone = first.claims
        second = await h.books(lambda purse: h.spending.replace("b", [first], _rate(quote, 200_000), purse), Without)
        assert set(first.claims) < set(second.claims)
        assert second.fee > first.fee
        for draft in (first, second):
            signed = await h.sign(Wish(draft.id, NAME, draft.body, draft.payments))
            assert await h.chain.hand(signed.raw) is Handed.ACCEPTED


class Without(Books):
    """The books without some coins; without any, if none are named."""

    gone: tuple[str, ...] | None = None

    def coins(self, purposes: frozenset[Purpose]) -> Sequence[Coin]:
        """What is left."""
        return [] if self.gone is None else [coin for coin in super().coins(purposes) if coin.outpoint not in self.gone]


def _rate(quote: bytes, rate: int) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(quote), "rate": rate})


async def test_the_26th_of_a_chain_is_refused_and_is_taken_after_a_block(tmp_path: Path, regtest: Regtest) -> None:
    """Nodes pass on no longer chains of waiting transactions."""
    async with house(tmp_path, regtest) as h:
        owned = Owned(h.hot, Purpose.HOT, 0)
        txid = regtest.send(regtest.craft([(script_of(regtest.network, h.hot), COIN)]))
        await h.keep(txid, regtest.raw(txid))
        coin, quote = Coin(f"{txid}:0", COIN, owned, 0), await h.spending.quote([])
        handed, last = [], b""
        for number in range(25):
            one = await h.books(partial(h.spending.gather, str(number), [coin], owned, quote))
            signed = await h.sign(Wish(one.id, NAME, one.body, ()))
            last = signed.raw
            handed.append(await h.chain.hand(last))
            await h.keep(signed.txid, last)
            coin = Coin(f"{signed.txid}:0", coin.amount - one.fee, owned, 0)
        assert handed == [Handed.ACCEPTED] * 24 + [Handed.REFUSED]
        regtest.mine()
        assert await h.chain.hand(last) is Handed.ACCEPTED


@pytest.mark.nightly
async def test_payouts_wait_at_a_chain_of_25_and_then_go_on(tmp_path: Path, regtest: Regtest) -> None:
    """Nothing is lost, and nobody is paid twice."""
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        worker = h.worker(msgspec.structs.replace(POLICY, replace_after_blocks=100))
        addresses = [regtest.stranger() for _ in range(27)]
        for number, address in enumerate(addresses):
            await h.approve(f"w{number}", 10_000, address)
        while len(regtest.waiting()) < 25:
            await worker.step()
            await h.follow()
        for _ in range(3):
            await worker.step()
        assert len(regtest.waiting()) == 25
        await h.until_final(worker, rounds=80)
        assert [regtest.unspent(address) for address in addresses] == [[10_000]] * 27


async def test_where_the_estimator_is_empty_a_set_rate_is_paid(tmp_path: Path, regtest: Regtest) -> None:
    """A new node knows nothing of fees."""
    with running(regtest.node.kind) as node:
        assert "feerate" not in node.call("estimatesmartfee", 3)
        async with house(tmp_path, Regtest(node)) as h:
            rate = msgspec.json.decode(await h.spending.quote([]))["rate"]
            assert rate == regtest.network.fallback_rate


async def test_what_the_estimator_advises_is_paid(tmp_path: Path, regtest: Regtest) -> None:
    """A node that has seen blocks full of payments advises something, as this one does after some of them."""
    async with house(tmp_path, regtest) as h:
        for _ in range(8):
            for _ in range(6):
                regtest.pay(regtest.address(), COIN // 100)
            regtest.mine()
        advice = regtest.call("estimatesmartfee", 3)["feerate"]
        assert msgspec.json.decode(await h.spending.quote([]))["rate"] == int(advice * COIN)


async def test_an_absurd_fee_is_not_paid_and_payouts_wait(tmp_path: Path, regtest: Regtest) -> None:
    """More than the ceiling of the settings: the withdrawal stays approved, its money held."""
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN)
        payment = Payment("w1", regtest.stranger(), 10_000)
        quote = _rate(await h.spending.quote([payment]), 10**9)
        with pytest.raises(FeeTooHigh, match="ceiling"):
            await h.books(lambda purse: h.spending.build("a", [payment], quote, purse))


async def test_a_stuck_payment_to_us_is_helped_by_a_child(tmp_path: Path, regtest: Regtest) -> None:
    """CPFP: its sender paid next to nothing; our child pays for both, and one miner takes both."""
    async with house(tmp_path, regtest) as h:
        stuck = regtest.send(regtest.craft([(bytes.fromhex(h.chain.key_of(h.hot)), COIN)], fee=300))
        await h.follow()
        quote = _rate(await h.spending.quote_rescue(stuck), 50_000)
        coin = Coin(f"{stuck}:0", COIN, Owned(h.hot, Purpose.HOT, 0), 0)
        await h.keep(stuck, regtest.raw(stuck))
        draft = await h.books(lambda purse: h.spending.rescue("cpfp", coin, quote, purse))
        signed = await h.sign(Wish(draft.id, NAME, draft.body, ()))
        assert await h.chain.hand(signed.raw) is Handed.ACCEPTED
        entry = regtest.call("getmempoolentry", signed.txid)
        assert entry["fees"]["ancestor"] * COIN * 1_000 / entry["ancestorsize"] >= 49_500
        await h.mine()
        assert (await h.chain.find(stuck)).standing is Standing.MINED
