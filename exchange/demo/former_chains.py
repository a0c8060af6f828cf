"""What the chains of earlier runs leave in a demo's ledger: they are gone, and it has to agree with the new ones."""

from __future__ import annotations

from collections import Counter
from typing import Final

from exchange.app import House
from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.postings import CUSTODY
from exchange.core.state import State
from exchange.core.transfers import WITHDRAWAL_TRANSITIONS, DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId

NAME: Final = "former-chains"
"""The account that takes over what people have brought in over chains that are gone, and gives back what they took."""

_W = WithdrawalState
_PAID: Final = (_W.APPROVED, _W.PLANNED, _W.SIGNED, _W.SENT, _W.CONFIRMED, _W.FINAL)


async def part_with(house: House) -> None:
    """End what was on its way, and let the ledger say that nothing is on those chains. People keep what they have."""
    await _end_withdrawals(house)
    for asset in await house.sequencer.read(lambda state: list(state.payouts_shut)):
        await _done(house, co.SetPayoutsShut(asset, shut=False, reason="those chains are gone"))
    begun = house.clock.now()
    networks, outside = await house.sequencer.read(lambda state: (list(state.networks.values()), _outside(state)))
    for network in networks:
        if came := outside[network.asset]:
            await _even(house, network, came, f"{NAME}:{network.asset}:{begun}")


def _outside(state: State) -> Counter[AssetId]:
    """What the chains of before had of each asset, by the ledger. What it booked as paid to networks stays booked."""
    booked: Counter[AssetId] = Counter()
    for asset, amount in state.costs.values():
        booked[asset] += amount
    return Counter({asset: booked[asset] - state.available(CUSTODY, asset) for asset in state.assets})


async def _even(house: House, network: Network, came: int, key: str) -> None:
    """So much more came in than went out (or less): an account of the demo's own takes it out again (or brings it)."""
    account = await _account(house)
    brought = network.withdrawal_min if came > 0 else -came
    await _done(house, co.ReportDeposit(key, account, network.asset, Amount(brought), DepositState.CREDITED))
    if came > 0:
        whole = Amount(came + brought + network.withdrawal_fee)
        await _done(house, co.Credit(account, network.asset, whole, key))
        await _done(house, co.RequestWithdrawal(key, account, network.asset, whole, network.name))
        await _done(house, *(co.MoveWithdrawal(key, state) for state in _PAID))


async def _account(house: House) -> AccountId:
    await house.sequencer.call(co.OpenAccount(NAME))
    return await house.sequencer.read(lambda state: state.names[NAME])


async def _end_withdrawals(house: House) -> None:
    """What was still on its way out when the last run ended goes back: its chain is gone."""
    alive = await house.sequencer.read(
        lambda state: {key: one.state for key, one in state.withdrawals.items() if one.holds}
    )
    for key, begun in alive.items():
        state = begun
        while (following := towards_the_end(state)) is not None:
            await _done(house, co.MoveWithdrawal(key, following))
            state = following


def towards_the_end(state: WithdrawalState) -> WithdrawalState | None:
    """Rejected or failed, by way of other states where need be; None at an end."""
    for end in (_W.REJECTED, _W.FAILED, _W.SENT):
        if (state, end) in WITHDRAWAL_TRANSITIONS:
            return end
    return None


async def _done(house: House, *commands: co.Command) -> None:
    for command in commands:
        outcome = await house.sequencer.call(command)
        assert outcome.reject is None, (command, outcome.reject)
