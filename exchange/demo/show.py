"""Shows a deposit and a withdrawal of each asset of the demo's chains, from end to end, a line at a time."""

from __future__ import annotations

from typing import Final

import trio

from exchange.app import House
from exchange.core.decimals import render
from exchange.core.networks import to_chain
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId
from exchange.custody import history
from exchange.custody.payouts.rows import WithdrawalRow, attempts, payouts, withdrawal
from exchange.custody.payouts.withdrawals import Wanted
from exchange.demo.chained import WAYS, Chained, Way

_LOOK_SECONDS: Final = 0.2
_SHOWN: Final = {"BTC": (5_000, 1_000), "ETH": (20_000, 5_000), "USDT": (10_000_000, 2_500_000)}
"""What is deposited and what is withdrawn, in tenths of thousandths."""
_PARTS: Final = 10_000


async def show(house: House, chained: Chained, account: AccountId, name: str) -> None:
    """One asset after the other."""
    assets = await house.sequencer.read(lambda state: {asset.code: asset for asset in state.assets.values()})
    for way in WAYS:
        asset = assets[way.asset]
        part = 10**asset.decimals // _PARTS
        coming, going = (Amount(count * part) for count in _SHOWN[way.asset])
        whose = (account, asset.id, asset.decimals)
        await _deposit(house, chained, way, whose, coming, name)
        await _withdraw(house, chained, way, whose, going, name)


async def _deposit(
    house: House, chained: Chained, way: Way, whose: tuple[AccountId, AssetId, int], atoms: Amount, name: str
) -> None:
    account, asset, decimals = whose
    address = await house.custody.lines[way.chain].pool.address_for(account, asset)
    txid = await chained.out.pay(way.asset, address, to_chain(atoms, decimals, way.chain_decimals))
    amount = render(atoms, decimals)
    print(f"deposit     {way.asset:<5}{amount} to {name}'s address {address}: transaction {txid}", flush=True)
    while True:
        found = history.deposits(house.custody.store.reader, account=account, asset=asset, txid=txid)
        if found and found[0].row.state == DepositState.CREDITED:
            break
        await trio.sleep(_LOOK_SECONDS)
    print(f"            {way.asset:<5}credited: block {found[0].row.height} has it", flush=True)


async def _withdraw(
    house: House, chained: Chained, way: Way, whose: tuple[AccountId, AssetId, int], atoms: Amount, name: str
) -> None:
    account, asset, decimals = whose
    address = await chained.out.address(way.chain)
    wanted = Wanted(account=account, asset=asset, network=way.chain, address=address, atoms=atoms)
    asked = await house.payments.withdrawals.ask(wanted)
    print(f"withdrawal  {way.asset:<5}{render(atoms, decimals)} of {name}'s to {address}", flush=True)
    while (row := _found(house, asked.id)).state < WithdrawalState.FINAL:  # noqa: ASYNC110  # a row has no event
        await trio.sleep(_LOOK_SECONDS)
    print(f"            {way.asset:<5}{WithdrawalState(row.state).name.lower()}: {_how(house, row)}", flush=True)


def _how(house: House, row: WithdrawalRow) -> str:
    """Which transaction paid it; or why it was not."""
    db = house.custody.store.reader
    for paid in payouts(db, "number = ?", row.payout or 0):
        for attempt in attempts(db, paid.number):
            if attempt.id == paid.winner:
                return f"transaction {attempt.txid} in block {paid.height}"
    return row.why


def _found(house: House, id: str) -> WithdrawalRow:
    row = withdrawal(house.custody.store.reader, id)
    assert row is not None, "it was asked for just now"
    return row
