"""The lives of deposits and withdrawals: every step from every state, allowed or not, and what it does to money."""

import pytest

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.performing import perform
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, Micros
from tests.core.ways import NET
from tests.core.world import ACCOUNTS, PURSE, furnished

D, W = DepositState, WithdrawalState
ANN, COIN, HAD = ACCOUNTS[0], AssetId(2), PURSE[AssetId(2)]
SUM = Amount(700)

# How to get there, and what is credited then.
DEPOSIT_ROADS: dict[DepositState | None, list[DepositState]] = {
    None: [],
    D.SEEN: [D.SEEN],
    D.CONFIRMING: [D.SEEN, D.CONFIRMING],
    D.CREDITED: [D.SEEN, D.CREDITED],
    D.HELD: [D.CONFIRMING, D.HELD],
    D.ORPHANED: [D.CONFIRMING, D.ORPHANED],
    D.SWEPT: [D.CREDITED, D.SWEPT],
}
DEPOSIT_STEPS = {
    None: {D.SEEN, D.CONFIRMING, D.CREDITED, D.HELD},
    D.SEEN: {D.CONFIRMING, D.CREDITED, D.HELD, D.ORPHANED},
    D.CONFIRMING: {D.CREDITED, D.HELD, D.ORPHANED},
    D.CREDITED: {D.SWEPT, D.ORPHANED},
    D.HELD: {D.CREDITED, D.ORPHANED},
    D.ORPHANED: {D.CONFIRMING, D.CREDITED},
    D.SWEPT: {D.ORPHANED},
}
WITHDRAWAL_ROADS: dict[WithdrawalState, list[WithdrawalState]] = {
    W.REQUESTED: [],
    W.RISK_HELD: [W.RISK_HELD],
    W.APPROVED: [W.APPROVED],
    W.PLANNED: [W.APPROVED, W.PLANNED],
    W.SIGNED: [W.APPROVED, W.PLANNED, W.SIGNED],
    W.SENT: [W.APPROVED, W.PLANNED, W.SIGNED, W.SENT],
    W.CONFIRMED: [W.APPROVED, W.PLANNED, W.SIGNED, W.SENT, W.CONFIRMED],
    W.FINAL: [W.APPROVED, W.PLANNED, W.SIGNED, W.SENT, W.CONFIRMED, W.FINAL],
    W.REJECTED: [W.REJECTED],
    W.CANCELLED: [W.CANCELLED],
    W.FAILED: [W.APPROVED, W.PLANNED, W.SIGNED, W.FAILED],
}
WITHDRAWAL_STEPS: dict[WithdrawalState, set[WithdrawalState]] = {
    W.REQUESTED: {W.RISK_HELD, W.APPROVED, W.REJECTED, W.CANCELLED},
    W.RISK_HELD: {W.APPROVED, W.REJECTED, W.CANCELLED},
    W.APPROVED: {W.RISK_HELD, W.PLANNED, W.REJECTED, W.CANCELLED},
    W.PLANNED: {W.RISK_HELD, W.APPROVED, W.SIGNED, W.REJECTED, W.CANCELLED},
    W.SIGNED: {W.SENT, W.FAILED},
    W.SENT: {W.CONFIRMED, W.FAILED},
    W.CONFIRMED: {W.SENT, W.FINAL},
    **{end: set() for end in (W.FINAL, W.REJECTED, W.CANCELLED, W.FAILED)},
}
GONE, BACK = {W.FINAL}, {W.REJECTED, W.CANCELLED, W.FAILED}


def do(state: State, command: co.Command) -> Reject | None:
    """The refusal, if any; whatever happened, every invariant holds."""
    reject = perform(state, Micros(1), command).reject
    assert list(audit.violations(state)) == []
    return reject


def deposit(to: DepositState, amount: Amount = SUM, account: AccountId = ANN, key: str = "d") -> co.ReportDeposit:
    return co.ReportDeposit(key, account, COIN, amount, to)


@pytest.mark.parametrize("to", D)
@pytest.mark.parametrize("now", DEPOSIT_ROADS)
def test_every_step_of_a_deposit(now: DepositState | None, to: DepositState) -> None:
    """What may follow, follows; the same again is no news; all else is refused; credited is credited once."""
    state = furnished()
    for step in DEPOSIT_ROADS[now]:
        assert do(state, deposit(step)) is None
    expected = None if to in DEPOSIT_STEPS[now] or to == now else Reject.BAD_TRANSITION
    assert do(state, deposit(to)) is expected
    at = to if expected is None else now
    assert state.available(ANN, COIN) == HAD + (SUM if at in {D.CREDITED, D.SWEPT} else 0)
    assert state.accounts[ANN].frozen is (to == D.ORPHANED and now in {D.CREDITED, D.SWEPT})


@pytest.mark.parametrize("to", W)
@pytest.mark.parametrize("now", WITHDRAWAL_ROADS)
def test_every_step_of_a_withdrawal(now: WithdrawalState, to: WithdrawalState) -> None:
    """The amount is held until an end is reached, and then leaves or comes back, once."""
    state = furnished()
    assert do(state, co.RequestWithdrawal("w", ANN, COIN, SUM, NET)) is None
    for step in WITHDRAWAL_ROADS[now]:
        assert do(state, co.MoveWithdrawal("w", step)) is None
    expected = None if to in WITHDRAWAL_STEPS[now] or to == now else Reject.BAD_TRANSITION
    assert do(state, co.MoveWithdrawal("w", to)) is expected
    at = to if expected is None else now
    assert state.held(ANN, COIN) == (0 if at in GONE | BACK else SUM)
    assert state.available(ANN, COIN) == HAD - (0 if at in BACK else SUM)


def test_a_deposit_undone_after_it_was_spent_is_owed() -> None:
    state = furnished([deposit(D.CREDITED), co.RequestWithdrawal("w", ANN, COIN, Amount(HAD + 500), NET)])
    assert do(state, deposit(D.ORPHANED)) is None
    assert (state.available(ANN, COIN), state.owed(ANN, COIN)) == (0, 500)


def test_credited_again_it_repays_the_debt_and_no_more() -> None:
    state = furnished([deposit(D.CREDITED), co.RequestWithdrawal("w", ANN, COIN, Amount(HAD + 500), NET)])
    assert do(state, deposit(D.ORPHANED)) is None
    assert do(state, deposit(D.CREDITED)) is None
    assert (state.available(ANN, COIN), state.owed(ANN, COIN)) == (200, 0)


def test_a_debt_is_repaid_in_parts() -> None:
    state = furnished([deposit(D.CREDITED), co.RequestWithdrawal("w", ANN, COIN, Amount(HAD + 700), NET)])
    assert do(state, deposit(D.ORPHANED)) is None
    assert do(state, deposit(D.CREDITED, Amount(300), key="e")) is None
    assert (state.available(ANN, COIN), state.owed(ANN, COIN)) == (0, 400)
    assert do(state, deposit(D.CREDITED, Amount(450), key="f")) is None
    assert (state.available(ANN, COIN), state.owed(ANN, COIN)) == (50, 0)


@pytest.mark.parametrize("other", [deposit(D.CREDITED, Amount(701)), deposit(D.CREDITED, account=ACCOUNTS[1])])
def test_a_key_belongs_to_one_deposit(other: co.ReportDeposit) -> None:
    assert do(furnished([deposit(D.SEEN)]), other) is Reject.DUPLICATE_REFERENCE


def test_a_credit_is_booked_once() -> None:
    state = furnished()
    gift = co.Credit(ANN, COIN, Amount(5), "gift")
    assert do(state, gift) is None
    assert do(state, gift) is Reject.DUPLICATE_REFERENCE
    assert state.available(ANN, COIN) == HAD + 5


def test_no_more_of_an_asset_than_the_ledger_can_count() -> None:
    """Whoever credits again and again is stopped while every sum still fits 63 bits."""
    state, much = furnished(), Amount((1 << 63) - 1 >> 4)
    answers = [do(state, co.Credit(ANN, COIN, much, f"{n}")) for n in range(10)]
    assert answers[:7] == [None] * 7
    assert set(answers[8:]) == {Reject.BAD_AMOUNT}
    assert do(state, deposit(D.CREDITED, much)) is Reject.BAD_AMOUNT
    assert max(state.balances.values()) < 1 << 62
