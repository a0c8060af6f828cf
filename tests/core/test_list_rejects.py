"""Every refusal of an order list is given, and where several reasons hold, the one that stands first in `Reject`."""

from itertools import combinations
from typing import Any, NamedTuple

import pytest

from exchange.core import commands as co
from exchange.core.market import MarketPhase
from exchange.core.order_lists import ListKind
from exchange.core.orders import OrderType, Side
from exchange.core.performing import perform
from exchange.core.rejects import Reject
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Micros
from tests.core.compare import digest
from tests.core.ways import NET
from tests.core.world import ACCOUNTS, PURSE, furnished

ANN, BEN = ACCOUNTS[0], ACCOUNTS[1]
MARKET, BASE = MarketId(1), AssetId(1)
PRECEDENCE = list(Reject)
OCO, OTO, OTOCO = ListKind.OCO, ListKind.OTO, ListKind.OTOCO
MAKER, STOP, PROFIT = OrderType.LIMIT_MAKER, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT

Parts = dict[str, Any]


class Fault(NamedTuple):
    """What is wrong with a list: parts of an order of it (by its place), parts of the list, and what was before."""

    reject: Reject
    orders: dict[int, Parts] = {}  # noqa: RUF012  # never changed
    whole: Parts = {}  # noqa: RUF012
    before: tuple[co.Command, ...] = ()


def sale(**parts: Any) -> Parts:
    return {"account": ANN, "market": MARKET, "side": Side.SELL, "type": OrderType.LIMIT, "quantity": 5, **parts}


PROFITS = {"type": PROFIT, "price": 0}
BUDGET = {"type": OrderType.MARKET, "quantity": 0, "quote_quantity": 900}
MAKES = {"type": MAKER, "price": 90, "stop_price": 0}
BUYS = {"side": Side.BUY}
ABOVE, BELOW = sale(type=MAKER, price=110), sale(type=STOP, stop_price=90)
WORKING = sale(side=Side.BUY, price=90)
LISTS: dict[ListKind, list[Parts]] = {
    OCO: [ABOVE, BELOW],
    OTO: [WORKING, sale(price=110)],
    OTOCO: [WORKING, ABOVE, BELOW],
}


def listed(kind: ListKind, *faults: Fault, client_id: str = "mine") -> co.PlaceOrderList:
    orders = [dict(order) for order in LISTS[kind]]
    whole: Parts = {}
    for fault in faults:
        whole |= fault.whole
        for place, parts in fault.orders.items():
            orders[place] |= parts
    made = tuple(co.PlaceOrder(**order) for order in orders)
    plain = {"account": ANN, "market": MARKET, "kind": kind, "orders": made, "client_id": client_id}
    return co.PlaceOrderList(**{**plain, **whole})


FROZEN = co.SetAccountFrozen(ANN, True, "")
HALT = co.SetMarketPhase(MARKET, MarketPhase.HALTED, "")
MAKERS = co.SetMarketPhase(MARKET, MarketPhase.POST_ONLY, "")
TAKEN = co.PlaceOrder(**sale(price=120, client_id="taken"))
FOUR = tuple(co.PlaceOrder(**sale(price=120)) for _ in range(4))
SLEEPERS = tuple(co.PlaceOrder(**BELOW) for _ in range(2))
BID = co.PlaceOrder(**sale(account=BEN, side=Side.BUY, price=110))
POOR = co.RequestWithdrawal("all", ANN, BASE, Amount(PURSE[BASE] - 10), NET)
FIRST = listed(OTO)

ANY = [
    Fault(Reject.UNKNOWN_MARKET, whole={"market": MarketId(9)}),
    Fault(Reject.UNKNOWN_ACCOUNT, whole={"account": AccountId(999)}),
    Fault(Reject.ACCOUNT_FROZEN, before=(FROZEN,)),
    Fault(Reject.MARKET_NOT_OPEN, before=(HALT,)),
    Fault(Reject.POST_ONLY, before=(MAKERS,)),
    Fault(Reject.MISSING_QUANTITY, orders={1: {"quantity": 0}}),
    Fault(Reject.BAD_CLIENT_ID, orders={0: {"client_id": "no way"}}),
    Fault(Reject.BAD_LIST_CLIENT_ID, whole={"client_id": "no way"}),
    Fault(Reject.BAD_LIST, orders={1: {"account": BEN}}),
    Fault(Reject.BAD_LIST, orders={1: {"market": MarketId(2)}}),
    Fault(Reject.PRICE_FILTER, orders={0: {"price": 1_001}}),
    Fault(Reject.DUPLICATE_CLIENT_ID, orders={1: {"client_id": "taken"}}, before=(TAKEN,)),
    Fault(Reject.DUPLICATE_LIST_ID, before=(FIRST,)),
]
PAIR = [
    Fault(Reject.BAD_LIST, orders={-1: {"side": Side.BUY}}),
    Fault(Reject.BAD_LIST, orders={-1: {"quantity": 6}}),
    Fault(Reject.LIST_ORDER_TYPE, orders={-1: {"type": OrderType.MARKET, "stop_price": 0}}),
    Fault(Reject.BOTH_ARE_LIMITS, orders={-1: MAKES}),
    Fault(
        Reject.LIMIT_NOT_ABOVE,
        orders={-2: {**PROFITS, "stop_price": 110}, -1: MAKES},
    ),
    Fault(Reject.STOP_LOSS_NOT_BELOW, orders={-2: {"type": STOP, "price": 0, "stop_price": 110}}),
    Fault(Reject.TAKE_PROFIT_NOT_ABOVE, orders={-1: {"type": PROFIT}}),
    Fault(Reject.MAX_ALGO_ORDERS, before=SLEEPERS),
]
KINDS: dict[ListKind, list[Fault]] = {
    OCO: [
        *ANY,
        *PAIR,
        Fault(
            Reject.LIMIT_NOT_BELOW, orders={0: {"side": Side.BUY, "price": 90}, 1: {"side": Side.BUY, "type": PROFIT}}
        ),
        Fault(
            Reject.STOP_LOSS_NOT_ABOVE,
            orders={0: {"side": Side.BUY, "type": STOP, "price": 0, "stop_price": 110}, 1: {"side": Side.BUY}},
        ),
        Fault(Reject.TAKE_PROFIT_NOT_BELOW, orders={0: {**BUYS, **PROFITS, "stop_price": 90}, 1: {**BUYS, **MAKES}}),
        Fault(Reject.LIST_PRICES, orders={0: {"price": 100}}),
        Fault(Reject.LIST_PRICES, orders={1: {"stop_price": 100}}),
        Fault(Reject.MAX_ORDERS, before=FOUR),
        Fault(Reject.WOULD_TAKE, before=(BID,)),
        Fault(Reject.INSUFFICIENT_FUNDS, before=(POOR,)),
    ],
    OTO: [
        *ANY,
        Fault(Reject.WORKING_ORDER_TYPE, orders={0: {"type": OrderType.MARKET, "price": 0}}),
        Fault(Reject.BAD_COMBINATION, orders={1: {**BUDGET, "price": 0}}),
        Fault(Reject.MAX_ORDERS, before=FOUR),
    ],
    OTOCO: [*ANY, *PAIR, Fault(Reject.LIST_PRICES, orders={2: {"stop_price": 110}})],
}


def at_once(one: Fault, other: Fault) -> bool:
    """Whether both can be wrong at a time: neither undoes the other."""
    if one.whole.keys() & other.whole.keys() or (one.before and other.before):
        return False
    places = [(place % 3, name) for place, parts in one.orders.items() for name in parts]
    shaped = bool(one.orders and other.orders)
    return not shaped or not ({name for _, name in places} & {name for p in other.orders.values() for name in p})


ALONE = [
    pytest.param(kind, (fault,), id=f"{kind.name} {fault.reject.name} {n}")
    for kind, faults in KINDS.items()
    for n, fault in enumerate(faults)
]
PAIRS = [
    pytest.param(kind, (one, other), id=f"{kind.name} {one.reject.name}+{other.reject.name} {n}")
    for kind, faults in KINDS.items()
    for n, (one, other) in enumerate(combinations(faults, 2))
    if at_once(one, other) and not {one.reject, other.reject} & {fault.reject for fault in PAIR}
]


@pytest.mark.parametrize(("kind", "faults"), [*ALONE, *PAIRS])
def test_of_two_reasons_the_first_is_given(kind: ListKind, faults: tuple[Fault, ...]) -> None:
    """Each fault alone gives its refusal, each pair the one of higher precedence, and nothing changes."""
    state = furnished([command for fault in faults for command in fault.before])
    before = digest(state)
    given = perform(state, Micros(1), listed(kind, *faults)).reject
    assert given is min((fault.reject for fault in faults), key=PRECEDENCE.index)
    assert digest(state) == before


@pytest.mark.parametrize("kind", LISTS)
def test_without_a_fault_the_list_is_taken(kind: ListKind) -> None:
    assert perform(furnished(), Micros(1), listed(kind)).reject is None


def test_no_more_lists_than_allowed() -> None:
    """Twenty in a market unless its rules say otherwise; each account has its own."""
    state = furnished()
    book = state.books[MARKET]
    book.rules = type(book.rules)(
        **{name: getattr(book.rules, name) for name in book.rules.__struct_fields__} | {"max_order_lists": 1}
    )
    assert perform(state, Micros(1), listed(OTO)).reject is None
    assert perform(state, Micros(1), listed(OTO, client_id="other")).reject is Reject.MAX_ORDER_LISTS


def test_a_list_buys_no_more_than_an_account_may_own() -> None:
    """In the second market that is 100 lots, ann has 60; a pending order counts as much as a working one."""
    for working, pending in ((41, 0), (20, 21), (20, 20)):
        state, fields = furnished(), {**WORKING, "market": MarketId(2), "price": 90}
        orders = [co.PlaceOrder(**fields | {"quantity": working})]
        orders.append(co.PlaceOrder(**fields | {"quantity": pending or 5, "side": Side.BUY if pending else Side.SELL}))
        wish = co.PlaceOrderList(ANN, MarketId(2), OTO, tuple(orders), "mine")
        refused = perform(state, Micros(1), wish).reject is Reject.MAX_POSITION
        assert refused == (working + pending > 40)


@pytest.mark.parametrize(
    "command", [co.CancelOrderList(ANN, MARKET), co.CancelOrderList(BEN, MARKET, client_id="mine")]
)
def test_a_list_that_is_not_there_is_not_cancelled(command: co.CancelOrderList) -> None:
    state = furnished([FIRST])
    assert perform(state, Micros(1), command).reject is Reject.UNKNOWN_LIST


REJECTS = {fault.reject for faults in KINDS.values() for fault in faults} | {
    Reject.MAX_ORDER_LISTS,
    Reject.UNKNOWN_LIST,
}
"""All that is tried here."""
