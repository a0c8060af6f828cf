"""Which accounts each event moves money between."""

from exchange.core import commands as co
from exchange.core.orders import OrderType, Side
from exchange.core.performing import perform
from exchange.core.postings import CUSTODY, FEES, GENESIS, Bucket, balance_key, may_be_negative, split_key
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Micros, Price, Quantity
from tests.core.ways import NET
from tests.core.world import ACCOUNTS, PURSE, furnished

ANN, BEN = ACCOUNTS[0], ACCOUNTS[1]
BASE, QUOTE, MARKET = AssetId(1), AssetId(2), MarketId(1)
NAMES = {ANN: "ann", BEN: "ben", GENESIS: "genesis", FEES: "fees", CUSTODY: "custody"}


def moves(before: list[co.Command], command: co.Command) -> list[str]:
    """The movements that a command causes, in words."""
    state = furnished(before)
    assert perform(state, Micros(1), command).reject is None
    return [f"{_name(debit)} -> {_name(credit)}: {amount}" for _, debit, credit, amount in state.changes.postings]


def _name(key: int) -> str:
    account, asset, bucket = split_key(key)  # type: ignore[arg-type]
    return f"{NAMES[account]} {bucket.name.lower()} {'BASE' if asset == BASE else 'QUOTE'}"


def limit(account: AccountId, side: Side, lots: int, price: int) -> co.PlaceOrder:
    return co.PlaceOrder(account, MARKET, side, OrderType.LIMIT, Quantity(lots), Price(price), client_id="it")


def test_keys_take_apart_into_what_they_were_made_of() -> None:
    for parts in ((ANN, BASE, Bucket.HELD), (AccountId(10**6), AssetId(4_095), Bucket.RECEIVABLE)):
        assert split_key(balance_key(*parts)) == parts


def test_only_the_house_and_debts_may_be_negative() -> None:
    assert may_be_negative(balance_key(GENESIS, BASE))
    assert may_be_negative(balance_key(ANN, BASE, Bucket.RECEIVABLE))
    assert not may_be_negative(balance_key(ANN, BASE))
    assert not may_be_negative(balance_key(ANN, BASE, Bucket.HELD))


def test_an_order_to_buy_holds_quote() -> None:
    assert moves([], limit(ANN, Side.BUY, 2, 100)) == ["ann available QUOTE -> ann held QUOTE: 600"]


def test_an_order_to_sell_holds_base() -> None:
    assert moves([], limit(ANN, Side.SELL, 2, 100)) == ["ann available BASE -> ann held BASE: 10"]


def test_a_cancel_moves_it_back() -> None:
    cancel = co.CancelOrder(ANN, MARKET, client_id="it")
    assert moves([limit(ANN, Side.BUY, 2, 100)], cancel) == ["ann held QUOTE -> ann available QUOTE: 600"]


def test_a_trade_moves_goods_money_fees_and_improvement() -> None:
    """20 lots at 95 instead of 100: 100 base atoms; 5,700 quote; 2.3456 % of 100 is 2, 1.2345 % of 5,700 is 70."""
    assert moves([limit(ANN, Side.SELL, 20, 95)], limit(BEN, Side.BUY, 20, 100)) == [
        "ben available QUOTE -> ben held QUOTE: 6000",
        "ann held BASE -> ben available BASE: 100",
        "ben held QUOTE -> ann available QUOTE: 5700",
        "ben available BASE -> fees available BASE: 2",
        "ann available QUOTE -> fees available QUOTE: 70",
        "ben held QUOTE -> ben available QUOTE: 300",
    ]


def test_a_selling_taker_pays_its_fee_in_quote() -> None:
    assert moves([limit(ANN, Side.BUY, 20, 95)], limit(BEN, Side.SELL, 20, 90)) == [
        "ben available BASE -> ben held BASE: 100",
        "ben held BASE -> ann available BASE: 100",
        "ann held QUOTE -> ben available QUOTE: 5700",
        "ann available BASE -> fees available BASE: 1",
        "ben available QUOTE -> fees available QUOTE: 133",
    ]


def test_demo_money_comes_out_of_genesis() -> None:
    credit = co.Credit(ANN, BASE, Amount(9), "gift")
    assert moves([], credit) == ["genesis available BASE -> ann available BASE: 9"]


def test_a_deposit_comes_from_outside_and_goes_back_there() -> None:
    credited = co.ReportDeposit("d", ANN, BASE, Amount(9), DepositState.CREDITED)
    orphaned = co.ReportDeposit("d", ANN, BASE, Amount(9), DepositState.ORPHANED)
    assert moves([], credited) == ["custody available BASE -> ann available BASE: 9"]
    assert moves([credited], orphaned) == ["ann available BASE -> custody available BASE: 9"]


def test_what_is_missing_becomes_a_debt_which_a_deposit_repays() -> None:
    credited = co.ReportDeposit("d", ANN, BASE, Amount(9), DepositState.CREDITED)
    spent = co.RequestWithdrawal("w", ANN, BASE, Amount(PURSE[BASE] + 5), NET)
    orphaned = co.ReportDeposit("d", ANN, BASE, Amount(9), DepositState.ORPHANED)
    assert moves([credited, spent], orphaned) == [
        "ann available BASE -> custody available BASE: 4",
        "ann receivable BASE -> custody available BASE: 5",
    ]
    assert moves([credited, spent, orphaned], credited) == [
        "custody available BASE -> ann receivable BASE: 5",
        "custody available BASE -> ann available BASE: 4",
    ]


def test_a_withdrawal_is_held_and_then_leaves_or_comes_back() -> None:
    request = co.RequestWithdrawal("w", ANN, BASE, Amount(9), NET)
    road = [WithdrawalState(n) for n in range(3, 8)]
    sent: list[co.Command] = [request, *(co.MoveWithdrawal("w", step) for step in road)]
    assert moves([], request) == ["ann available BASE -> ann held BASE: 9"]
    final = co.MoveWithdrawal("w", WithdrawalState.FINAL)
    assert moves(sent, final) == ["ann held BASE -> custody available BASE: 9"]
    rejected = co.MoveWithdrawal("w", WithdrawalState.REJECTED)
    assert moves([request], rejected) == ["ann held BASE -> ann available BASE: 9"]


def test_events_that_move_nothing_post_nothing() -> None:
    quiet: list[co.Command] = [
        co.OpenAccount("eve"),
        co.SetAccountTier(ANN, 1),
        co.SetAccountFrozen(ANN, True, ""),
        co.ReportDeposit("d", ANN, BASE, Amount(9), DepositState.SEEN),
    ]
    assert all(moves([], command) == [] for command in quiet)
