"""Ways in and out: what a withdrawal costs, who may withdraw how much, and what is shut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.networks import ALL_ASSETS, DAY, MONTH, from_chain, network_error, to_chain, unit
from exchange.core.performing import perform
from exchange.core.postings import CUSTODY, FEES
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.transfers import DepositState as D
from exchange.core.transfers import WithdrawalState as W
from exchange.core.units import AccountId, Amount, AssetId, Micros
from tests.core.ways import NET, network
from tests.core.world import ACCOUNTS, PURSE, furnished

ANN, BEN, COIN = ACCOUNTS[0], ACCOUNTS[1], AssetId(2)
HAD, FEE, SUM = PURSE[COIN], 7, 700
TERMS = co.SetNetwork(network(COIN, withdrawal_fee=Amount(FEE), withdrawal_min=Amount(10)))
PAID = (W.APPROVED, W.PLANNED, W.SIGNED, W.SENT, W.CONFIRMED, W.FINAL)


def do(state: State, command: co.Command, now: int = 1) -> Reject | None:
    """The refusal, if any; whatever happened, every invariant holds."""
    reject = perform(state, Micros(now), command).reject
    assert list(audit.violations(state)) == []
    return reject


def out(amount: int = SUM, key: str = "w", who: AccountId = ANN) -> co.RequestWithdrawal:
    return co.RequestWithdrawal(key, who, COIN, Amount(amount), NET)


def walk(state: State, *steps: W, key: str = "w") -> None:
    for step in steps:
        assert do(state, co.MoveWithdrawal(key, step)) is None


def house(state: State) -> tuple[int, int]:
    """What the house has of the coin: in fees, and outside."""
    return state.available(FEES, COIN), state.available(CUSTODY, COIN)


def purse(state: State, who: AccountId) -> tuple[int, int]:
    """Available and held."""
    return state.available(who, COIN), state.held(who, COIN)


def test_a_withdrawal_takes_the_whole_and_pays_the_rest_outside() -> None:
    state = furnished([TERMS, out()])
    assert purse(state, ANN) == (HAD - SUM, SUM)
    walk(state, *PAID)
    assert purse(state, ANN) == (HAD - SUM, 0)
    assert house(state) == (FEE, SUM - FEE)


@pytest.mark.parametrize("road", [(W.REJECTED,), (*PAID[:2], W.REJECTED), (*PAID[:4], W.FAILED)])
def test_one_that_is_not_paid_gives_back_the_fee_too(road: tuple[W, ...]) -> None:
    state = furnished([TERMS, out()])
    walk(state, *road)
    assert (purse(state, ANN), house(state)) == ((HAD, 0), (0, 0))


def test_the_fee_is_the_one_of_the_day_of_the_request() -> None:
    state = furnished([TERMS, out(), co.SetNetwork(network(COIN, withdrawal_fee=Amount(9), withdrawal_min=Amount(10)))])
    walk(state, *PAID)
    assert house(state) == (FEE, SUM - FEE)


@pytest.mark.parametrize(("along", "mine", "his"), [(False, FEE, -FEE), (True, 0, 0)])
def test_among_ourselves_no_fee_is_taken(along: bool, mine: int, his: int) -> None:
    """It goes back to whoever withdrew, or along with the rest."""
    state = furnished([TERMS, out(), co.MoveWithdrawal("w", W.APPROVED)])
    assert do(state, co.SettleInside("w", BEN, along)) is None
    assert purse(state, ANN) == (HAD - SUM + mine, 0)
    assert purse(state, BEN) == (HAD + SUM + his, 0)
    assert house(state) == (0, 0)
    assert state.withdrawals["w"].state is W.FINAL


def test_to_an_address_of_ones_own_nothing_is_lost() -> None:
    state = furnished([TERMS, out(), co.MoveWithdrawal("w", W.APPROVED)])
    assert do(state, co.SettleInside("w", ANN)) is None
    assert purse(state, ANN) == (HAD, 0)


def test_what_comes_from_inside_repays_a_debt_first() -> None:
    deposit = (co.ReportDeposit("d", BEN, COIN, Amount(500), to) for to in (D.CREDITED, D.ORPHANED))
    state = furnished([next(deposit), out(HAD + 500, "all", BEN), *deposit, out()])
    walk(state, W.APPROVED)
    assert do(state, co.SettleInside("w", BEN)) is None
    assert (state.owed(BEN, COIN), purse(state, BEN)) == (0, (SUM - 500, HAD + 500))


def test_what_a_network_costs_is_paid_out_of_fees() -> None:
    state = furnished([TERMS, out()])
    walk(state, *PAID)
    assert do(state, co.BookNetworkCost("txid", COIN, Amount(3))) is None
    assert house(state) == (FEE - 3, SUM - FEE + 3)


def test_the_house_may_pay_more_to_networks_than_it_took() -> None:
    state = furnished([co.BookNetworkCost("txid", COIN, Amount(3))])
    assert house(state) == (-3, 3)


# limits


def limit(day: int, month: int, tier: int = 0) -> co.SetTierLimit:
    return co.SetTierLimit(tier, COIN, Amount(day), Amount(month))


def test_the_day_rolls() -> None:
    """Just 24 hours after it was asked for, an amount counts no longer."""
    state = furnished([limit(1_000, 5_000)])
    assert do(state, out(600, "a"), 10) is None
    assert do(state, out(401, "b"), 9 + DAY) is Reject.DAY_LIMIT
    assert do(state, out(400, "b"), 9 + DAY) is None
    assert do(state, out(600, "c"), 10 + DAY) is None


def test_the_month_rolls() -> None:
    state = furnished([limit(600, 1_000)])
    assert do(state, out(600, "a"), 10) is None
    assert do(state, out(600, "b"), 9 + MONTH) is Reject.MONTH_LIMIT
    assert do(state, out(600, "b"), 10 + MONTH) is None


@pytest.mark.parametrize(("end", "counts"), [((W.REJECTED,), False), ((W.CANCELLED,), False), (PAID, True)])
def test_what_came_back_does_not_count(end: tuple[W, ...], counts: bool) -> None:
    state = furnished([limit(1_000, 1_000), out(600, "a")])
    walk(state, *end, key="a")
    assert do(state, out(600, "b")) is (Reject.DAY_LIMIT if counts else None)


def test_a_limit_is_of_one_asset_and_one_account() -> None:
    state = furnished([limit(1_000, 1_000), co.SetTierLimit(0, AssetId(1), Amount(1_000), Amount(1_000)), out(1_000)])
    assert do(state, co.RequestWithdrawal("other", ANN, AssetId(1), Amount(1_000), NET)) is None
    assert do(state, out(1_000, "ben's", BEN)) is None


def test_a_tier_without_a_limit_of_its_own_has_that_of_tier_0() -> None:
    state = furnished([limit(1_000, 1_000), co.SetAccountTier(ANN, 4)])
    assert do(state, out(1_001)) is Reject.DAY_LIMIT
    assert do(state, limit(2_000, 2_000, tier=4)) is None
    assert do(state, out(1_001)) is None


def test_where_no_limit_was_ever_set_nothing_leaves() -> None:
    state = furnished([co.ListAsset("NEW", 2), co.SetNetwork(network(4)), co.Credit(ANN, AssetId(4), Amount(5), "new")])
    assert do(state, co.RequestWithdrawal("w", ANN, AssetId(4), Amount(1), NET)) is Reject.DAY_LIMIT


# shut


def test_what_is_shut_is_not_planned_but_what_is_planned_goes_on() -> None:
    """The ledger cannot stop what has happened outside; it only begins nothing."""
    state = furnished([out(SUM, "early"), out(SUM, "late")])
    walk(state, *PAID[:2], key="early")
    walk(state, W.APPROVED, key="late")
    assert do(state, co.SetPayoutsShut(COIN, True, "500 are missing")) is None
    assert do(state, co.MoveWithdrawal("late", W.PLANNED)) is Reject.PAYOUTS_SHUT
    walk(state, *PAID[2:], key="early")
    assert state.shut(COIN) == "500 are missing"


def test_the_first_reason_stands() -> None:
    state = furnished([co.SetPayoutsShut(COIN, True, "first"), co.SetPayoutsShut(COIN, True, "second")])
    assert state.shut(COIN) == "first"


def test_to_open_all_leaves_shut_what_was_shut_by_itself() -> None:
    state = furnished([co.SetPayoutsShut(COIN, True, "mine"), co.OpenEpoch(2, "restored")])
    assert (state.shut(AssetId(1)), state.shut(COIN), state.epoch) == ("restored", "restored", 2)
    assert do(state, co.SetPayoutsShut(ALL_ASSETS, False, "agreed")) is None
    assert (state.shut(AssetId(1)), state.shut(COIN)) == (None, "mine")


# terms


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "btc"},
        {"name": ""},
        {"name": "A" * 17},
        {"contract": "0x 1"},
        {"chain_decimals": -1},
        {"chain_decimals": 37},
        {"withdrawal_fee": Amount(-1)},
        {"withdrawal_fee": Amount(1)},
        {"withdrawal_min": Amount(0)},
        {"chain_decimals": 1, "withdrawal_fee": Amount(5), "withdrawal_min": Amount(10)},
        {"chain_decimals": 1, "withdrawal_min": Amount(15)},
        {"deposit_min": Amount(0)},
        {"automatic_limit": Amount(2), "one_person_limit": Amount(1)},
        {"confirmations": ()},
        {"confirmations": ((Amount(1), 1),)},
        {"confirmations": ((Amount(0), 0),)},
        {"confirmations": ((Amount(0), 3), (Amount(5), 2))},
        {"confirmations": ((Amount(0), 3), (Amount(0), 4))},
    ],
)
def test_terms_that_cannot_be(wrong: dict[str, Any]) -> None:
    assert network_error(network(COIN, **wrong), 2)


def test_confirmations_grow_with_the_amount() -> None:
    steps = network(COIN, confirmations=((Amount(0), 2), (Amount(100), 6), (Amount(1_000), 30)))
    assert [steps.confirmations_for(Amount(n)) for n in (1, 99, 100, 999, 1_000)] == [2, 2, 6, 6, 30]


def test_approvals_grow_with_the_amount() -> None:
    terms = network(COIN, automatic_limit=Amount(100), one_person_limit=Amount(1_000))
    assert [terms.approvals_for(Amount(n)) for n in (100, 101, 1_000, 1_001)] == [0, 1, 1, 2]


@given(st.integers(0, 10**30), st.integers(0, 18), st.integers(0, 36))
def test_a_chains_amount_is_rounded_down_and_nothing_is_lost(units: int, decimals: int, chain: int) -> None:
    atoms, dust = from_chain(units, decimals, chain)
    assert to_chain(atoms, decimals, chain) + dust == units
    assert 0 <= dust < unit(chain, decimals)


def test_an_amount_that_the_chain_cannot_carry_is_no_amount() -> None:
    assert to_chain(Amount(1_500_00), 8, 6) == 1_500
    with pytest.raises(ValueError, match="whole number"):
        to_chain(Amount(1_500_01), 8, 6)
