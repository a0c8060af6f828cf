"""Every refusal is given, and where several reasons hold, the one that stands first in `Reject`."""

from itertools import combinations
from typing import Any, NamedTuple

import msgspec
import pytest

from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.orders import PARTIALLY_FILLED, OrderType, Side, TimeInForce
from exchange.core.performing import perform
from exchange.core.rejects import Reject
from exchange.core.state import State
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Micros, OrderId, Ppm, Quantity
from tests.core.compare import digest
from tests.core.test_list_rejects import REJECTS
from tests.core.test_way_rejects import WAY_REJECTS
from tests.core.ways import NET
from tests.core.world import ACCOUNTS, PURSE, furnished, rules

ANN, BEN = ACCOUNTS[0], ACCOUNTS[1]
MARKET, BASE, QUOTE = MarketId(1), AssetId(1), AssetId(2)
PRECEDENCE = list(Reject)

# Given by others than the core: by the sequencer, and by the admin room outside demo mode; or tried in test_keys.
ELSEWHERE = {Reject.QUEUE_FULL, Reject.STORAGE_LOW, Reject.INTERNAL, Reject.TOO_MANY_KEYS}


class Fault(NamedTuple):
    """What is wrong with an order: parts of its own, and what was done before."""

    reject: Reject
    parts: dict[str, Any]
    before: tuple[co.Command, ...] = ()


def place(**parts: Any) -> co.PlaceOrder:
    """An order that nothing is wrong with, but for `parts`."""
    plain = {"account": ANN, "market": MARKET, "side": Side.BUY, "type": OrderType.LIMIT, "quantity": 5, "price": 90}
    return co.PlaceOrder(**{**plain, **parts})


def phase(to: MarketPhase) -> co.SetMarketPhase:
    return co.SetMarketPhase(MARKET, to, "")


SLEEPER = {"type": OrderType.STOP_LOSS_LIMIT, "stop_price": 110, "quantity": 1, "price": 99}
MANY = tuple(place(quantity=1) for _ in range(5))
SLEEPERS = tuple(place(**SLEEPER) for _ in range(2))
ICEBERGS = tuple(place(quantity=2, iceberg=1) for _ in range(2))
TAKEN = place(client_id="taken", quantity=1)
POOR = co.RequestWithdrawal("all", ANN, QUOTE, Amount(PURSE[QUOTE] - 1_100), NET)
FROZEN = co.SetAccountFrozen(ANN, True, "")
OFFER = place(account=BEN, side=Side.SELL, market=MarketId(2), price=100, quantity=50)
BUDGET = place(market=MarketId(2), type=OrderType.MARKET, price=0, quantity=0, quote_quantity=8_200)
ASK = place(account=BEN, side=Side.SELL, price=91)

ANY = [
    Fault(Reject.UNKNOWN_MARKET, {"market": MarketId(9)}),
    Fault(Reject.UNKNOWN_ACCOUNT, {"account": AccountId(999)}),
    Fault(Reject.ACCOUNT_FROZEN, {}, (FROZEN,)),
    Fault(Reject.MARKET_NOT_OPEN, {}, (phase(MarketPhase.HALTED),)),
    Fault(Reject.BAD_CLIENT_ID, {"client_id": "no way"}),
    Fault(Reject.LOT_SIZE, {"quantity": 61}),
    Fault(Reject.LOT_SIZE, {"quantity": -1}),
    Fault(Reject.MAX_ORDERS, {}, MANY),
    Fault(Reject.DUPLICATE_CLIENT_ID, {"client_id": "taken"}, (TAKEN,)),
    Fault(Reject.INSUFFICIENT_FUNDS, {}, (POOR,)),
]
LIMIT = [
    *ANY,
    Fault(Reject.POST_ONLY, {}, (phase(MarketPhase.POST_ONLY),)),
    Fault(Reject.MISSING_PRICE, {"price": 0}),
    Fault(Reject.MISSING_QUANTITY, {"quantity": 0, "quote_quantity": 0}),
    Fault(Reject.BAD_COMBINATION, {"stop_price": 110}),
    Fault(Reject.BAD_COMBINATION, {"quote_quantity": 5_000}),
    Fault(Reject.PRICE_FILTER, {"price": 1_001}),
    Fault(Reject.PRICE_FILTER, {"price": -90}),
    Fault(Reject.NOTIONAL, {"price": 115, "quantity": 60}),
    Fault(Reject.PRICE_BAND, {"price": 121}),
    Fault(Reject.PRICE_BAND, {"price": 79}),
    Fault(Reject.BAD_COMBINATION, {"trailing_delta": 200}),
    Fault(Reject.BAD_ICEBERG, {"iceberg": 2, "time_in_force": TimeInForce.IOC}),
    Fault(Reject.LOT_SIZE, {"iceberg": -1}),
    Fault(Reject.ICEBERG_EXCEEDS, {"iceberg": 6, "quantity": 5}),
    Fault(Reject.ICEBERG_PARTS, {"iceberg": 1, "quantity": 6}),
    Fault(Reject.MAX_ICEBERG_ORDERS, {"iceberg": 5, "quantity": 5}, ICEBERGS),
]
MAKER = [*ANY, Fault(Reject.WOULD_TAKE, {"price": 91}, (ASK,)), Fault(Reject.BAD_COMBINATION, {"stop_price": 110})]
STOP = [
    *(fault for fault in ANY if fault.reject != Reject.MAX_ORDERS),
    Fault(Reject.MISSING_STOP_PRICE, {"stop_price": 0}),
    Fault(Reject.MISSING_QUANTITY, {"quantity": 0, "quote_quantity": 0}),
    Fault(Reject.BAD_COMBINATION, {"price": 100}),
    Fault(Reject.BAD_COMBINATION, {"time_in_force": TimeInForce.IOC}),
    Fault(Reject.PRICE_FILTER, {"stop_price": 1_001}),
    Fault(Reject.MARKET_LOT_SIZE, {"quantity": 51}),
    Fault(Reject.MAX_ALGO_ORDERS, {}, SLEEPERS),
    Fault(Reject.WOULD_TRIGGER, {"stop_price": 100}),
    Fault(Reject.BAD_ICEBERG, {"iceberg": 1}),
    Fault(Reject.TRAILING_DELTA, {"trailing_delta": 99, "stop_price": 111}),
    Fault(Reject.TRAILING_DELTA, {"trailing_delta": 1_001, "stop_price": 111}),
]
KINDS: dict[OrderType, tuple[dict[str, Any], list[Fault]]] = {
    OrderType.LIMIT: ({}, LIMIT),
    OrderType.LIMIT_MAKER: ({"type": OrderType.LIMIT_MAKER}, MAKER),
    OrderType.STOP_LOSS: ({"type": OrderType.STOP_LOSS, "price": 0, "stop_price": 110}, STOP),
}


def at_once(*faults: Fault) -> bool:
    """Whether faults can be had together: no part is set twice, and neither is the phase."""
    parts = [name for fault in faults for name in fault.parts]
    phases = [step for fault in faults for step in fault.before if isinstance(step, co.SetMarketPhase)]
    return len(parts) == len(set(parts)) and len(phases) < 2


def world(*faults: Fault) -> State:
    """All that is to be done before; who is frozen and what is closed, last."""
    steps = [step for fault in faults for step in fault.before]
    late = (co.SetAccountFrozen, co.SetMarketPhase)
    steps.sort(key=lambda step: (isinstance(step, late), isinstance(step, co.RequestWithdrawal)))
    return furnished(steps)


CASES = [
    pytest.param(parts, pair, id=f"{kind.name} {'+'.join(fault.reject.name for fault in pair)} {number}")
    for kind, (parts, faults) in KINDS.items()
    for number, pair in enumerate([*((fault,) for fault in faults), *combinations(faults, 2)])
    if at_once(*pair)
]


@pytest.mark.parametrize(("parts", "faults"), CASES)
def test_of_two_reasons_the_first_is_given(parts: dict[str, Any], faults: tuple[Fault, ...]) -> None:
    """Each fault alone gives its refusal, each pair the one of higher precedence, and nothing changes."""
    state = world(*faults)
    wrong = {name: value for fault in faults for name, value in fault.parts.items()}
    before = digest(state)
    given = perform(state, Micros(1), place(**{**parts, **wrong})).reject
    assert given is min((fault.reject for fault in faults), key=PRECEDENCE.index)
    assert digest(state) == before


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_fault_the_order_is_taken(kind: OrderType) -> None:
    assert perform(furnished(), Micros(1), place(**KINDS[kind][0])).reject is None


def keyed(digest: bytes) -> co.Keyed:
    """An order under a key."""
    return co.Keyed(ANN, MARKET, "once", digest, place(**KINDS[OrderType.LIMIT][0]))


NAMED = place(quantity=9, client_id="x")
DEAR = rules(symbol="DEAR", min_notional=Amount(2_000))
COARSE = rules(symbol="COARSE", min_quantity=Quantity(5))


def amend(quantity: int, **parts: Any) -> co.AmendOrder:
    """Make the order called x smaller."""
    plain = {"account": ANN, "market": MARKET, "new_client_id": "y", "client_id": "x"}
    return co.AmendOrder(**{**plain, "quantity": Quantity(quantity), **parts})


OTHERS: list[tuple[Reject, list[co.Command], co.Command]] = [
    (Reject.UNKNOWN_MARKET, [], co.CancelOrder(ANN, MarketId(9))),
    (Reject.UNKNOWN_MARKET, [], co.CancelAll(ANN, MarketId(9))),
    (Reject.UNKNOWN_MARKET, [], co.SetMarketPhase(MarketId(9), MarketPhase.OPEN, "")),
    (Reject.UNKNOWN_MARKET, [], co.SetTierFees(MarketId(9), 1, Ppm(0), Ppm(0))),
    (Reject.MARKET_NOT_OPEN, [phase(MarketPhase.HALTED)], co.CancelOrder(ANN, MARKET)),
    (Reject.MARKET_NOT_OPEN, [phase(MarketPhase.HALTED)], co.CancelAll(ANN, MARKET)),
    (Reject.UNKNOWN_ORDER, [TAKEN], co.CancelOrder(ANN, MARKET)),
    (Reject.UNKNOWN_ORDER, [TAKEN], co.CancelOrder(BEN, MARKET, client_id="taken")),
    (Reject.UNKNOWN_ORDER, [TAKEN], co.CancelOrder(ANN, MarketId(2), client_id="taken")),
    (Reject.MAX_POSITION, [], place(market=MarketId(2), price=100, quantity=41)),
    (Reject.MAX_POSITION, [OFFER], BUDGET),
    (Reject.MAX_POSITION, [OFFER, TAKEN], msgspec.structs.replace(BUDGET, client_id="taken")),
    (Reject.CANCEL_RESTRICTED, [TAKEN], co.CancelOrder(ANN, MARKET, client_id="taken", only=PARTIALLY_FILLED)),
    (Reject.UNKNOWN_MARKET, [], amend(5, market=MarketId(9))),
    (Reject.MARKET_NOT_OPEN, [NAMED, phase(MarketPhase.HALTED)], amend(5)),
    (Reject.AMEND_UNKNOWN, [], amend(5)),
    (Reject.AMEND_UNKNOWN, [NAMED], amend(5, account=BEN)),
    (Reject.AMEND_UNKNOWN, [NAMED], amend(5, account=AccountId(999))),
    (Reject.AMEND_UNKNOWN, [NAMED], amend(5, client_id="")),
    (Reject.AMEND_WRONG_NAME, [NAMED], amend(5, order=OrderId(1), client_id="other")),
    (Reject.AMEND_INCREASES, [NAMED], amend(10)),
    (Reject.AMEND_NOTHING, [NAMED], amend(9)),
    (Reject.AMEND_FILLED, [NAMED], amend(0)),
    (Reject.AMEND_FILLED, [NAMED, place(account=BEN, side=Side.SELL, quantity=4)], amend(4)),
    (Reject.BAD_CLIENT_ID, [NAMED], amend(5, new_client_id="")),
    (Reject.BAD_CLIENT_ID, [NAMED], amend(5, new_client_id="no way")),
    (Reject.DUPLICATE_CLIENT_ID, [NAMED, TAKEN], amend(5, new_client_id="taken")),
    (
        Reject.LOT_SIZE,
        [co.ListMarket(COARSE, MarketPhase.OPEN), place(market=MarketId(3), quantity=9, client_id="x")],
        amend(4, market=MarketId(3)),
    ),
    (
        Reject.NOTIONAL,
        [co.ListMarket(DEAR, MarketPhase.OPEN), place(market=MarketId(3), quantity=9, client_id="x")],
        amend(4, market=MarketId(3)),
    ),
    (Reject.MAX_AMENDMENTS, [NAMED, amend(8, new_client_id="x")], amend(7)),
    (Reject.NO_OPEN_ORDERS, [TAKEN], co.CancelAll(BEN, MARKET)),
    (Reject.NO_OPEN_ORDERS, [], co.CancelAll(AccountId(999), MARKET)),
    (Reject.NAME_TAKEN, [], co.ListAsset("AAA", 8)),
    (Reject.BAD_RULES, [], co.ListAsset("DDD", 19)),
    (Reject.BAD_RULES, [], co.ListAsset("", 8)),
    (Reject.UNKNOWN_ASSET, [], co.ListMarket(rules(base=AssetId(7)))),
    (Reject.NAME_TAKEN, [], co.ListMarket(rules(unit=0))),
    (Reject.BAD_RULES, [], co.ListMarket(rules(symbol="NEW", unit=0))),
    (Reject.BAD_RULES, [], co.ListMarket(rules(symbol="NEW", base_decimals=2, lot_atoms=50))),
    (Reject.SAME_PHASE, [], phase(MarketPhase.OPEN)),
    (Reject.BAD_RULES, [], co.SetTierFees(MARKET, 1, Ppm(-1), Ppm(0))),
    (Reject.NAME_TAKEN, [], co.OpenAccount("ann")),
    (Reject.NAME_TAKEN, [], co.OpenAccount("fees")),
    (Reject.UNKNOWN_ACCOUNT, [], co.SetAccountTier(AccountId(999), 1)),
    (Reject.UNKNOWN_ACCOUNT, [], co.SetAccountFrozen(AccountId(2), True, "the house is no trader")),
    (Reject.UNKNOWN_ACCOUNT, [], co.Credit(AccountId(999), AssetId(7), Amount(0), "")),
    (Reject.UNKNOWN_ASSET, [], co.Credit(ANN, AssetId(7), Amount(0), "")),
    (Reject.DUPLICATE_REFERENCE, [co.Credit(ANN, BASE, Amount(1), "x")], co.Credit(ANN, BASE, Amount(0), "x")),
    (Reject.BAD_AMOUNT, [], co.Credit(ANN, BASE, Amount(0), "x")),
    (Reject.BAD_AMOUNT, [], co.Credit(ANN, BASE, Amount(1 << 70), "x")),
    (Reject.UNKNOWN_ASSET, [], co.ReportDeposit("d", ANN, AssetId(7), Amount(0), DepositState.SWEPT)),
    (Reject.BAD_AMOUNT, [], co.ReportDeposit("d", ANN, BASE, Amount(-1), DepositState.SWEPT)),
    (Reject.BAD_TRANSITION, [], co.ReportDeposit("d", ANN, BASE, Amount(1), DepositState.SWEPT)),
    (Reject.ACCOUNT_FROZEN, [FROZEN], co.RequestWithdrawal("w", ANN, AssetId(7), Amount(0), NET)),
    (Reject.UNKNOWN_ASSET, [], co.RequestWithdrawal("w", ANN, AssetId(7), Amount(0), NET)),
    (Reject.DUPLICATE_REFERENCE, [POOR], co.RequestWithdrawal("all", ANN, BASE, Amount(0), NET)),
    (Reject.BAD_AMOUNT, [], co.RequestWithdrawal("w", ANN, BASE, Amount(0), NET)),
    (Reject.INSUFFICIENT_FUNDS, [], co.RequestWithdrawal("w", ANN, BASE, Amount(PURSE[BASE] + 1), NET)),
    (Reject.UNKNOWN_TRANSFER, [], co.MoveWithdrawal("w", WithdrawalState.APPROVED)),
    (Reject.BAD_TRANSITION, [POOR], co.MoveWithdrawal("all", WithdrawalState.FINAL)),
    (Reject.KEY_REUSED, [keyed(b"a")], keyed(b"b")),
    (Reject.UNKNOWN_ACCOUNT, [], co.SetCountdown(AccountId(999), MarketId(9), Micros(1))),
    (Reject.UNKNOWN_MARKET, [], co.SetCountdown(ANN, MarketId(9), Micros(0))),
    (Reject.UNKNOWN_ACCOUNT, [], co.ArmSession(AccountId(999), "s", ())),
    (Reject.UNKNOWN_MARKET, [], co.ArmSession(ANN, "s", (MARKET, MarketId(9)))),
    (Reject.TOO_MANY_SESSIONS, [co.ArmSession(ANN, f"s{n}", ()) for n in range(100)], co.ArmSession(ANN, "s", ())),
    (Reject.NOT_ARMED, [co.ArmSession(ANN, "s", ())], co.EndSession(BEN, "s")),
]


@pytest.mark.parametrize(("reject", "before", "command"), OTHERS)
def test_what_else_is_refused(reject: Reject, before: list[co.Command], command: co.Command) -> None:
    """Cancels, operators' commands and transfers."""
    state = furnished(before)
    fingerprint = digest(state)
    assert perform(state, Micros(1), command).reject is reject
    assert digest(state) == fingerprint


def test_every_refusal_is_tried_here() -> None:
    tried = {fault.reject for _, faults in KINDS.values() for fault in faults} | {row[0] for row in OTHERS}
    assert set(Reject) - tried - REJECTS - WAY_REJECTS == ELSEWHERE


def test_equal_codes_and_texts_are_still_different_refusals() -> None:
    """UNKNOWN_ORDER and NO_OPEN_ORDERS read alike on the wire and are told apart inside."""
    assert Reject.UNKNOWN_ORDER.code == Reject.NO_OPEN_ORDERS.code
    assert len(set(Reject)) == len(Reject.__members__) > len({reject.text for reject in Reject})
    assert all(reject.code < 0 and reject.text for reject in Reject)
