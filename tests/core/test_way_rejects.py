"""Every refusal on the ways in and out; where several reasons hold, the one that stands first."""

from typing import Final

import pytest

from exchange.core import commands as co
from exchange.core.networks import ALL_ASSETS, DAY, MONTH
from exchange.core.performing import perform
from exchange.core.rejects import Reject
from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, Micros
from tests.core.compare import digest
from tests.core.ways import NET, network
from tests.core.world import ACCOUNTS, PURSE, furnished

ANN, BEN, NOBODY = ACCOUNTS[0], ACCOUNTS[1], AccountId(999)
COIN, UNLISTED = AssetId(1), AssetId(7)
W = WithdrawalState


def out(amount: int, key: str = "w", over: str = NET) -> co.RequestWithdrawal:
    return co.RequestWithdrawal(key, ANN, COIN, Amount(amount), over)


def limited(day: int, month: int) -> co.SetTierLimit:
    return co.SetTierLimit(0, COIN, Amount(day), Amount(month))


def paid(
    account: AccountId = ANN, asset: AssetId = COIN, amount: int = 20, network: str = NET, fee: int = 0
) -> co.BookPaid:
    return co.BookPaid("w", account, asset, Amount(amount), network, Amount(fee), Micros(0))


FROZEN = co.SetAccountFrozen(ANN, True, "")
SHUT = co.SetPayoutsShut(COIN, True, "")
CLOSED = co.SetNetwork(network(1, deposits_open=False, withdrawals_open=False))
DEAR = co.SetNetwork(network(1, name="DEAR", chain_decimals=0, withdrawal_fee=Amount(20), withdrawal_min=Amount(30)))
GAS = co.BookNetworkCost("gas", COIN, Amount(3))
APPROVED: list[co.Command] = [out(20), co.MoveWithdrawal("w", W.APPROVED)]

CASES: Final[list[tuple[Reject, list[co.Command], co.Command]]] = [
    (Reject.UNKNOWN_NETWORK, [out(20)], out(0, over="MARS")),
    (Reject.DUPLICATE_REFERENCE, [out(20), CLOSED], out(0)),
    (Reject.BAD_AMOUNT, [CLOSED], out(0)),
    (Reject.WITHDRAWALS_CLOSED, [CLOSED, SHUT], out(20)),
    (Reject.PAYOUTS_SHUT, [DEAR, SHUT], out(19, over="DEAR")),
    (Reject.PAYOUTS_SHUT, [co.SetPayoutsShut(ALL_ASSETS, True, "")], out(20)),
    (Reject.TOO_FINE, [DEAR], out(19, over="DEAR")),
    (Reject.BELOW_MINIMUM, [DEAR, limited(0, 0)], out(20, over="DEAR")),
    (Reject.FEE_CHANGED, [limited(0, 0)], co.RequestWithdrawal("w", ANN, COIN, Amount(20), NET, Amount(1))),
    (Reject.DAY_LIMIT, [limited(29, 29)], out(30)),
    (Reject.MONTH_LIMIT, [limited(30, 30), co.SetTierLimit(0, COIN, Amount(50), Amount(50)), out(20, "a")], out(40)),
    (Reject.DAY_LIMIT, [limited(0, 0)], out(PURSE[COIN] + 1)),
    (Reject.INSUFFICIENT_FUNDS, [], out(PURSE[COIN] + 1)),
    (Reject.UNKNOWN_ASSET, [], co.SetNetwork(network(7, name=""))),
    (Reject.NAME_TAKEN, [], co.SetNetwork(network(1, contract="0x2", withdrawal_min=0))),
    (Reject.BAD_RULES, [], co.SetNetwork(network(1, contract="0x9", withdrawal_min=0))),
    (Reject.NETWORK_IN_USE, [], co.SetNetwork(network(1, contract="0x9"))),
    (Reject.NETWORK_IN_USE, [out(20), CLOSED], co.SetNetwork(network(1, chain_decimals=9))),
    (Reject.UNKNOWN_ASSET, [], co.SetTierLimit(-1, UNLISTED, Amount(2), Amount(1))),
    (Reject.BAD_RULES, [], co.SetTierLimit(-1, COIN, Amount(1), Amount(1))),
    (Reject.BAD_RULES, [], limited(2, 1)),
    (Reject.UNKNOWN_ASSET, [], co.BookNetworkCost("gas", UNLISTED, Amount(0))),
    (Reject.DUPLICATE_REFERENCE, [GAS], co.BookNetworkCost("gas", COIN, Amount(0))),
    (Reject.BAD_AMOUNT, [], co.BookNetworkCost("gas", COIN, Amount(0))),
    (Reject.UNKNOWN_ASSET, [], co.SetPayoutsShut(UNLISTED, True, "")),
    (Reject.BAD_TRANSITION, [], co.OpenEpoch(3, "")),
    (Reject.BAD_TRANSITION, [co.OpenEpoch(2, "")], co.OpenEpoch(1, "")),
    (Reject.UNKNOWN_TRANSFER, [], co.SettleInside("w", NOBODY)),
    (Reject.UNKNOWN_ACCOUNT, [out(20), FROZEN], co.SettleInside("w", NOBODY)),
    (Reject.ACCOUNT_FROZEN, [out(20), FROZEN], co.SettleInside("w", BEN)),
    (Reject.BAD_TRANSITION, [out(20), SHUT], co.SettleInside("w", BEN)),
    (Reject.PAYOUTS_SHUT, [*APPROVED, SHUT], co.SettleInside("w", BEN)),
    (Reject.DUPLICATE_REFERENCE, [*APPROVED, co.SettleInside("w", BEN), FROZEN], co.SettleInside("w", ANN)),
    (Reject.DUPLICATE_REFERENCE, [out(20)], paid(amount=0)),
    (Reject.UNKNOWN_ACCOUNT, [], paid(account=NOBODY, asset=UNLISTED)),
    (Reject.UNKNOWN_ASSET, [], paid(asset=UNLISTED, network="MARS")),
    (Reject.UNKNOWN_NETWORK, [], paid(network="MARS", amount=0)),
    (Reject.BAD_AMOUNT, [FROZEN], paid(amount=0)),
    (Reject.BAD_AMOUNT, [SHUT], paid(amount=5, fee=5)),
    (Reject.BAD_TRANSITION, APPROVED, co.MoveWithdrawal("w", W.FINAL)),
    (Reject.ACCOUNT_FROZEN, [out(20), FROZEN], co.MoveWithdrawal("w", W.PLANNED)),
    (Reject.BAD_TRANSITION, [out(20), SHUT], co.MoveWithdrawal("w", W.PLANNED)),
    (Reject.PAYOUTS_SHUT, [*APPROVED, SHUT], co.MoveWithdrawal("w", W.PLANNED)),
]
WAY_REJECTS = {reject for reject, _, _ in CASES}


@pytest.mark.parametrize(("reject", "before", "command"), CASES)
def test_the_first_reason_is_given_and_nothing_changes(
    reject: Reject, before: list[co.Command], command: co.Command
) -> None:
    state = furnished(before)
    fingerprint = digest(state)
    now = Micros(1 + DAY) if reject is Reject.MONTH_LIMIT else Micros(1)
    assert perform(state, now, command).reject is reject
    assert digest(state) == fingerprint


@pytest.mark.parametrize(
    "again",
    [
        out(20),
        co.SetNetwork(network(1)),
        limited(5, 6),
        GAS,
        SHUT,
        co.OpenEpoch(2, "restored"),
        co.MoveWithdrawal("w", W.APPROVED),
        co.SettleInside("w", BEN),
    ],
)
def test_every_command_may_be_repeated(again: co.Command) -> None:
    """Even when what it would need is no more: the answer is that nothing is to be done."""
    before = [out(20), GAS, *([] if isinstance(again, co.SettleInside) else [again])]
    state = furnished([*before, co.MoveWithdrawal("w", W.APPROVED)])
    if isinstance(again, co.SettleInside):
        assert perform(state, Micros(1), again).reject is None
    perform(state, Micros(1), FROZEN)
    fingerprint = digest(state)
    outcome = perform(state, Micros(MONTH), again)
    assert (outcome.reject, outcome.events) == (None, ())
    assert digest(state) == fingerprint
