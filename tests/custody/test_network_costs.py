"""What networks took is booked once, to the last atom, and what is less than an atom is not lost."""

from __future__ import annotations

from pathlib import Path

import msgspec

from exchange.core import commands as co
from exchange.core.postings import FEES, Bucket, balance_key
from exchange.core.units import Amount
from exchange.custody.payouts.network_costs import NetworkCosts
from tests.custody.test_withdrawals import NETWORK
from tests.custody.till import ASSET, Till, family, till


async def _fees(house: Till) -> int:
    return await house.sequencer.read(lambda state: state.balances.get(balance_key(FEES, ASSET, Bucket.AVAILABLE), 0))


async def test_costs_add_up_although_the_chain_counts_finer_than_the_ledger(tmp_path: Path) -> None:
    """A thousand units are an atom and each payout costs 1,700: 1, 3 and 5 atoms in all, also when asked twice."""
    async with till(tmp_path, family("ETH")) as house:
        network = msgspec.structs.replace(NETWORK, name="ETH", chain_decimals=11, withdrawal_fee=Amount(0))
        assert (await house.sequencer.call(co.SetNetwork(network))).reject is None
        costs = NetworkCosts(house.store, house.sequencer, {})
        house.spending.fee = 1_700
        seen = []
        for n in range(3):
            await house.approve(f"w{n}", 1_000)
            await house.until_final(house.worker())
            for _ in range(2):
                await costs.step()
            seen.append(await _fees(house))
        assert seen == [-1, -3, -5]
        await house.store.write(lambda db: db.execute("UPDATE payouts SET cost_booked = 0"))
        await costs.step()
        assert await _fees(house) == -5
