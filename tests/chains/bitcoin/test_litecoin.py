"""Litecoin is a row of the table: the same code on a real litecoind, through deposit, payout and reorganisation."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core import audit
from exchange.core.transfers import DepositState
from exchange.custody.bitcoin.address import dust, script_of
from exchange.custody.port import BadAddress, Handed, Payment, Standing
from tests.chains.bitcoin.house import BOB, FUNDED, house
from tests.chains.bitcoin.regtest import COIN, Regtest

CREDITED, ORPHANED = DepositState.CREDITED, DepositState.ORPHANED


async def test_a_deposit_is_credited_taken_back_and_credited_again_once(tmp_path: Path, litecoin: Regtest) -> None:
    async with house(tmp_path, litecoin) as h:
        txid = litecoin.pay(h.alice, 12_345_678)
        await h.mine(2)
        assert (h.states(txid), h.has()) == ([CREDITED], 12_345_678)
        litecoin.back(2)
        for _ in range(3):
            litecoin.mine_only()
        await h.follow()
        assert (h.has(), h.credits()) == (0, [ORPHANED])
        await h.mine(2)
        assert h.has() == 12_345_678
        assert not list(audit.violations(h.sequencer.state))


async def test_a_withdrawal_is_paid_once_to_the_last_unit(tmp_path: Path, litecoin: Regtest) -> None:
    async with house(tmp_path, litecoin) as h:
        await h.fill(COIN)
        addresses = [litecoin.stranger(), litecoin.address("legacy"), litecoin.address("p2sh-segwit")]
        for number, address in enumerate(addresses):
            await h.approve(f"w{number}", 1_234_567, address)
        await h.until_final(h.worker())
        assert [litecoin.unspent(address) for address in addresses] == [[1_234_567]] * 3
        assert (h.has(BOB), h.held(BOB)) == (FUNDED - 3 * 1_234_567, 0)


async def test_what_a_payout_cost_is_found_on_the_chain(tmp_path: Path, litecoin: Regtest) -> None:
    async with house(tmp_path, litecoin) as h:
        await h.fill(COIN)
        await h.approve("w1", 10_000, litecoin.stranger())
        sent = await h.send(h.worker())
        await h.mine()
        found = await h.chain.find(sent.txid)
        assert (found.standing, found.cost) == (Standing.MINED, sent.draft.fee)


async def test_a_transaction_that_is_not_mined_is_replaced(tmp_path: Path, litecoin: Regtest) -> None:
    async with house(tmp_path, litecoin) as h:
        await h.fill(COIN)
        address, worker = litecoin.stranger(), h.worker()
        await h.approve("w1", 10_000, address)
        await h.send(worker)
        for _ in range(3):
            litecoin.mine_only()
            await h.follow()
        await h.send(worker, tries=2)
        await h.until_final(worker)
        assert litecoin.unspent(address) == [10_000]


async def test_dust_is_more_here(tmp_path: Path, litecoin: Regtest) -> None:
    """What the table calls dust the node calls dust, and one unit more it passes on."""
    async with house(tmp_path, litecoin) as h:
        await h.fill(COIN)
        address = litecoin.stranger()
        least = dust(litecoin.network, script_of(litecoin.network, address))
        with pytest.raises(BadAddress, match="dust"):
            await h.spending.quote([Payment("w", address, least - 1)])
        for amount, handed in ((least - 1, Handed.REFUSED), (least, Handed.ACCEPTED)):
            raw = litecoin.craft([(script_of(litecoin.network, address), amount)])
            assert await h.chain.hand(raw) is handed


_ACTIVE = 432
"""The height from which regtest blocks have the extension; a payment into it must be in the first of them."""


async def test_what_comes_out_of_the_hidden_extension_is_a_deposit_like_any_other(
    tmp_path: Path, litecoin: Regtest
) -> None:
    """MWEB: the block that pays it out has a transaction of its own form, and an extension behind the last one."""
    litecoin.mine(_ACTIVE - 1 - litecoin.height())
    everything = int(litecoin.wallet("getbalance") * COIN)
    litecoin.pay(litecoin.wallet("getnewaddress", "", "mweb"), everything - COIN)
    litecoin.mine()
    async with house(tmp_path, litecoin) as h:
        visible = [coin for coin in litecoin.wallet("listunspent") if "vout" in coin]
        amount = int(sum(coin["amount"] for coin in visible) * COIN) + COIN
        litecoin.pay(h.alice, amount)
        await h.mine(4)
        assert h.has() == amount
        (row,) = h.rows()
        assert row.txid == litecoin.call("getblock", row.block)["tx"][-1]
