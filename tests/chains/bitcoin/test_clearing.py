"""A payout whose coin is gone in a reorganisation, on a real node: it goes back when nothing can bring that again."""

from __future__ import annotations

from pathlib import Path

from exchange.core.transfers import WithdrawalState
from exchange.custody.bitcoin.address import script_of
from exchange.custody.payouts.clearing import Clearing
from exchange.custody.payouts.rows import payout
from tests.chains.bitcoin.house import BOB, FUNDED, NAME, POLICY, House, house
from tests.chains.bitcoin.regtest import COIN, Regtest

_W = WithdrawalState


async def give_back(h: House) -> str:
    found = payout(h.store.reader, 1)
    assert found is not None
    return await Clearing(h.store, h.chain, POLICY, h.clock).give_back(found, "its coin is gone for good")


async def test_a_payout_whose_coin_was_spent_elsewhere_in_a_reorganisation_is_given_back_once_that_is_final(
    tmp_path: Path, regtest: Regtest
) -> None:
    """While the coin's own transaction may be mined again, and while what excludes it is fresh, nothing goes back."""
    async with house(tmp_path, regtest) as h:
        funding = regtest.send(regtest.craft([(script_of(regtest.network, h.hot), COIN)]))
        rival = regtest.craft([(script_of(regtest.network, regtest.stranger()), COIN)], spending=funding, fee=50_000)
        await h.mine()
        worker, shop = h.worker(), regtest.stranger()
        await h.approve("w1", COIN // 2, shop)
        await h.send(worker)
        regtest.back(1)
        await worker.step()
        assert "may be on its way" in await give_back(h)
        regtest.mine_only(rival.hex())
        regtest.mine()
        await h.follow()
        await worker.step()
        assert regtest.waiting() == []
        assert f"in {POLICY.final_blocks} blocks" in await give_back(h)
        await h.mine(POLICY.final_blocks)
        await worker.step()
        assert (h.withdrawal("w1").state, h.held(BOB)) == (_W.SENT, COIN // 2)
        assert await give_back(h) == ""
        await worker.step()
        assert (h.withdrawal("w1").told, h.has(BOB), h.held(BOB)) == (_W.FAILED, FUNDED, 0)
        await h.mine(2)
        assert (regtest.unspent(shop), h.withdrawal("w1").chain) == ([], NAME)
