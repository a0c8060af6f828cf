"""Deposits on a real bitcoind: credited once, never too early, taken back where the chain takes them back."""

from __future__ import annotations

from pathlib import Path

from exchange.core import audit
from exchange.core.transfers import DepositState
from tests.chains.bitcoin.house import house
from tests.chains.bitcoin.regtest import Regtest

SEEN, CONFIRMING, CREDITED, HELD, ORPHANED = (
    DepositState.SEEN,
    DepositState.CONFIRMING,
    DepositState.CREDITED,
    DepositState.HELD,
    DepositState.ORPHANED,
)


async def test_a_deposit_is_seen_then_confirming_then_credited_to_the_last_unit(
    tmp_path: Path, regtest: Regtest
) -> None:
    async with house(tmp_path, regtest) as h:
        txid = regtest.pay(h.alice, 12_345_678)
        await h.follow()
        assert (h.states(txid), h.has()) == ([SEEN], 0)
        await h.mine()
        assert (h.states(txid), h.has()) == ([CONFIRMING], 0)
        await h.mine()
        assert (h.states(txid), h.has(), h.credits()) == ([CREDITED], 12_345_678, [CREDITED])
        assert not list(audit.violations(h.sequencer.state))
