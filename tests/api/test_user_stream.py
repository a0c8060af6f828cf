"""An account's own events: orders as the ledger has them, balances to the last digit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from exchange.api.listen_keys import LIFETIME
from exchange.core import commands as co
from exchange.core.orders import OrderType, SelfTrade, Side, TimeInForce
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import Amount, AssetId, Micros, OrderId, Price, Quantity
from tests.api.fast import BTC, Fast, Reader, fast_house, signed
from tests.api.house import Person
from tests.core.ways import NET, ways

USDT = AssetId(3)


@pytest.fixture
async def fast(tmp_path: Path) -> AsyncIterator[Fast]:
    async with fast_house(tmp_path) as running:
        yield running


@pytest.fixture
async def mine(fast: Fast) -> AsyncIterator[Reader]:
    """Alice's own stream."""
    async with fast.reader("/ws-api/v3?returnRateLimits=false") as reader:
        params = signed(fast.house.alice, fast.house.rooms.clock.now())
        await reader.ask({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
        yield reader


async def report(reader: Reader) -> Any:
    """The next report on an order."""
    message = await reader.read_until(lambda one: one["event"]["e"] == "executionReport")
    return message["event"]


FIELDS = [
    "e",
    "E",
    "s",
    "c",
    "S",
    "o",
    "f",
    "q",
    "p",
    "P",
    "F",
    "g",
    "C",
    "x",
    "X",
    "r",
    "i",
    "l",
    "z",
    "L",
    "n",
    "N",
    "T",
    "t",
    "I",
    "w",
    "m",
    "M",
    "O",
    "Z",
    "Y",
    "Q",
    "W",
    "V",
]


async def test_a_new_order_is_reported_in_full(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50, client_id="mine-1")
    told = await report(mine)
    assert list(told) == FIELDS
    expected = {
        "e": "executionReport",
        "s": "BTCUSDT",
        "c": "mine-1",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.00050000",
        "p": "29000.00000000",
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 1,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "t": -1,
        "w": True,
        "m": False,
        "M": False,
        "Z": "0.00000000",
        "Y": "0.00000000",
        "Q": "0.00000000",
        "V": "EXPIRE_MAKER",
    }
    assert {name: told[name] for name in expected} == expected
    assert told["E"] == told["T"] == told["O"] == told["W"]


async def test_balances_follow_with_what_is_free_and_what_is_held(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
    position = (await mine.read_until(lambda one: one["event"]["e"] == "outboundAccountPosition"))["event"]
    assert list(position) == ["e", "E", "u", "B"]
    assert {"a": "USDT", "f": "9999985.50000000", "l": "14.50000000"} in position["B"]
    asked = await fast.house.client(fast.house.alice).balances()
    assert asked["USDT"] == ("9999985.50000000", "14.50000000")


async def test_in_a_cancels_report_c_names_the_cancel_and_capital_c_the_order(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50, client_id="mine-1")
    cancel = co.CancelOrder(fast.house.alice.account, BTC, OrderId(1), cancel_id="bye-1")
    await fast.house.rooms.sequencer.call(cancel)
    await report(mine)
    told = await report(mine)
    assert (told["x"], told["X"], told["c"], told["C"]) == ("CANCELED", "CANCELED", "bye-1", "mine-1")
    assert told["w"] is False


async def test_a_cancel_without_a_name_gets_one(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50, client_id="mine-1")
    await fast.house.rooms.sequencer.call(co.CancelAll(fast.house.alice.account, BTC))
    await report(mine)
    told = await report(mine)
    assert told["C"] == "mine-1"
    assert told["c"].startswith("cancel_")


async def test_cancelling_all_is_told_under_one_name_for_the_cancel(fast: Fast, mine: Reader) -> None:
    for price in (2_900_000, 2_800_000):
        await fast.limit(fast.house.alice, Side.BUY, price, 50)
    await fast.house.rooms.sequencer.call(co.CancelAll(fast.house.alice.account, BTC, "bye-all"))
    told = [await report(mine) for _ in range(4)]
    assert [one["c"] for one in told if one["x"] == "CANCELED"] == ["bye-all", "bye-all"]


async def test_a_countdown_tells_of_no_balances(fast: Fast, mine: Reader) -> None:
    await fast.house.rooms.sequencer.call(co.SetCountdown(fast.house.alice.account, BTC, Micros(1)))
    await fast.house.rooms.sequencer.call(co.SetCountdown(fast.house.alice.account, BTC, Micros(0)))
    await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
    assert (await mine.read())["event"]["e"] == "executionReport"


async def test_a_maker_is_told_of_each_fill_with_its_fee(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.alice, Side.SELL, 3_000_000, 100, client_id="mine-1")
    await fast.limit(fast.house.bob, Side.BUY, 3_000_000, 40)
    await fast.limit(fast.house.bob, Side.BUY, 3_000_000, 60)
    told = [await report(mine) for _ in range(3)]
    assert [one["x"] for one in told] == ["NEW", "TRADE", "TRADE"]
    assert [one["X"] for one in told] == ["NEW", "PARTIALLY_FILLED", "FILLED"]
    assert [one["l"] for one in told] == ["0.00000000", "0.00040000", "0.00060000"]
    assert [one["z"] for one in told] == ["0.00000000", "0.00040000", "0.00100000"]
    assert [one["Y"] for one in told[1:]] == ["12.00000000", "18.00000000"]
    assert [one["Z"] for one in told[1:]] == ["12.00000000", "30.00000000"]
    assert [(one["n"], one["N"], one["m"], one["t"]) for one in told[1:]] == [
        ("0.01200000", "USDT", True, 1),
        ("0.01800000", "USDT", True, 2),
    ]
    assert [one["w"] for one in told] == [True, True, False]


async def test_a_taker_pays_in_what_it_receives(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.bob, Side.SELL, 3_000_000, 100)
    await fast.limit(fast.house.alice, Side.BUY, 3_000_000, 100)
    new, fill = await report(mine), await report(mine)
    assert (new["x"], new["X"]) == ("NEW", "NEW")
    assert (fill["x"], fill["X"], fill["n"], fill["N"], fill["m"]) == ("TRADE", "FILLED", "0.00000150", "BTC", False)
    assert fill["I"] != new["I"]


@pytest.mark.parametrize(
    ("terms", "kind", "status", "reason"),
    [
        ({"time_in_force": TimeInForce.IOC}, "EXPIRED", "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED"),
        ({"time_in_force": TimeInForce.FOK}, "EXPIRED", "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED"),
    ],
)
async def test_what_expires_says_why(
    fast: Fast, mine: Reader, terms: dict[str, Any], kind: str, status: str, reason: str
) -> None:
    await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50, **terms)
    await report(mine)
    told = await report(mine)
    assert (told["x"], told["X"], told["eR"]) == (kind, status, reason)


async def test_a_market_order_that_finds_too_little_expires(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.bob, Side.SELL, 3_000_000, 20)
    order = co.PlaceOrder(fast.house.alice.account, BTC, Side.BUY, OrderType.MARKET, Quantity(50))
    await fast.order(order)
    told = [await report(mine) for _ in range(3)]
    assert [one["x"] for one in told] == ["NEW", "TRADE", "EXPIRED"]
    assert (told[2]["eR"], told[2]["o"], told[2]["z"]) == ("INSUFFICIENT_LIQUIDITY", "MARKET", "0.00020000")


async def test_meeting_oneself_is_reported_as_prevented(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.alice, Side.SELL, 3_000_000, 50)
    await fast.limit(fast.house.alice, Side.BUY, 3_000_000, 50, self_trade=SelfTrade.EXPIRE_TAKER)
    told = [await report(mine) for _ in range(3)]
    assert (told[2]["x"], told[2]["X"], told[2]["V"]) == ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", "EXPIRE_TAKER")
    assert "eR" not in told[2]


async def test_decrement_is_reported_for_both_orders(fast: Fast, mine: Reader) -> None:
    """Each with what it lost, in all and this time, and with the other's number."""
    await fast.limit(fast.house.alice, Side.SELL, 3_000_000, 50)
    await fast.limit(fast.house.alice, Side.BUY, 3_000_000, 20, self_trade=SelfTrade.DECREMENT)
    maker, taker = [await report(mine) for _ in range(4)][2:]
    assert [(one["i"], one["x"], one["X"], one["U"]) for one in (maker, taker)] == [
        (1, "TRADE_PREVENTION", "NEW", 2),
        (2, "TRADE_PREVENTION", "EXPIRED_IN_MATCH", 1),
    ]
    for one in (maker, taker):
        assert (one["v"], one["u"], one["A"], one["B"], one["pl"]) == (1, -1, one["B"], one["pl"], "0.00020000")
        assert (one["pL"], one["pY"]) == ("30000.00000000", "6.00000000")
    assert maker["I"] != taker["I"]
    assert (maker["q"], maker["l"], maker["t"]) == ("0.00050000", "0.00000000", -1)


async def test_an_amendment_is_reported_with_both_names(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.alice, Side.SELL, 3_000_000, 50, client_id="before")
    alice = fast.house.alice.account
    amend = co.AmendOrder(alice, BTC, Quantity(20), "after", client_id="before")
    assert (await fast.house.rooms.sequencer.call(amend)).reject is None
    told = [await report(mine) for _ in range(2)][1]
    assert (told["x"], told["X"], told["c"], told["C"], told["q"]) == (
        "REPLACED",
        "NEW",
        "after",
        "before",
        "0.00020000",
    )


async def test_what_is_special_of_an_order_is_reported(fast: Fast, mine: Reader) -> None:
    """An iceberg's part; a trailing stop's delta and since when it follows; a strategy."""
    alice = fast.house.alice.account
    await fast.limit(fast.house.alice, Side.SELL, 3_000_000, 50, iceberg=Quantity(10), strategy_id=7)
    stop = co.PlaceOrder(alice, BTC, Side.SELL, OrderType.STOP_LOSS, Quantity(50), trailing_delta=100)
    await fast.order(stop)
    iceberg, trailing = [await report(mine) for _ in range(2)]
    assert (iceberg["F"], iceberg["j"], "J" in iceberg, "d" in iceberg) == ("0.00010000", 7, False, False)
    assert (trailing["d"], trailing["D"], "W" in trailing) == (100, trailing["O"], False)


async def test_a_trade_with_oneself_is_reported_for_both_orders(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.alice, Side.SELL, 3_000_000, 50)
    await fast.limit(fast.house.alice, Side.BUY, 3_000_000, 50, self_trade=SelfTrade.NONE)
    told = [await report(mine) for _ in range(4)]
    assert [(one["i"], one["m"]) for one in told[2:]] == [(1, True), (2, False)]
    assert told[2]["I"] != told[3]["I"]


async def test_a_sleeping_order_does_not_work_until_it_wakes(fast: Fast, mine: Reader) -> None:
    alice = fast.house.alice.account
    stop = co.PlaceOrder(
        *(alice, BTC, Side.BUY, OrderType.STOP_LOSS_LIMIT, Quantity(50), Price(3_200_000)), stop_price=Price(3_100_000)
    )
    await fast.order(stop)
    asleep = await report(mine)
    await fast.limit(fast.house.bob, Side.SELL, 3_100_000, 30)
    await fast.limit(fast.house.bob, Side.BUY, 3_100_000, 30, self_trade=SelfTrade.NONE)
    awake = await report(mine)
    assert (asleep["x"], asleep["w"], asleep["P"]) == ("NEW", False, "31000.00000000")
    assert "W" not in asleep
    assert (awake["x"], awake["w"], awake["i"]) == ("NEW", True, asleep["i"])
    assert awake["W"] >= asleep["O"]


async def test_money_from_outside_is_told_as_a_difference(fast: Fast, mine: Reader) -> None:
    alice, sequencer = fast.house.alice.account, fast.house.rooms.sequencer
    await sequencer.call(co.Credit(alice, USDT, Amount(150_000_000), "gift"))
    for state in (DepositState.SEEN, DepositState.CREDITED, DepositState.ORPHANED):
        await sequencer.call(co.ReportDeposit("tx:0", alice, USDT, Amount(250_000_000), state))
    told: list[Any] = []
    while len(told) < 3:
        message = await mine.read_until(lambda one: one["event"]["e"] == "balanceUpdate")
        told.append(message["event"])
    assert [list(one) for one in told] == [["e", "E", "a", "d", "T"]] * 3
    assert [(one["a"], one["d"]) for one in told] == [
        ("USDT", "1.50000000"),
        ("USDT", "2.50000000"),
        ("USDT", "-2.50000000"),
    ]


async def test_a_withdrawal_is_held_first_and_gone_when_final(fast: Fast, mine: Reader) -> None:
    alice, sequencer = fast.house.alice.account, fast.house.rooms.sequencer
    for command in ways(USDT):
        await sequencer.call(command)
    await sequencer.call(co.RequestWithdrawal("w1", alice, USDT, Amount(10**8), NET))
    held = (await mine.read())["event"]
    assert held["B"] == [{"a": "USDT", "f": "9999999.00000000", "l": "1.00000000"}]
    for name in ("APPROVED", "PLANNED", "SIGNED", "SENT", "CONFIRMED", "FINAL"):
        await sequencer.call(co.MoveWithdrawal("w1", WithdrawalState[name]))
    gone = (await mine.read_until(lambda one: one["event"]["e"] == "balanceUpdate"))["event"]
    assert (gone["a"], gone["d"]) == ("USDT", "-1.00000000")


async def test_nobody_hears_of_anothers_orders(fast: Fast, mine: Reader) -> None:
    await fast.limit(fast.house.bob, Side.BUY, 2_900_000, 50)
    await fast.limit(fast.house.alice, Side.BUY, 2_800_000, 50)
    assert (await report(mine))["p"] == "28000.00000000"


async def test_reports_agree_with_what_the_main_door_says_of_the_order(fast: Fast, mine: Reader) -> None:
    alice = fast.house.client(fast.house.alice)
    await fast.limit(fast.house.bob, Side.SELL, 3_000_000, 30)
    await alice.order("BUY", "0.001", "30000", newClientOrderId="mine-1")
    told = await mine.read_until(lambda one: one["event"].get("x") == "TRADE")
    asked = (await alice.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine-1")).json
    pairs = {"i": "orderId", "c": "clientOrderId", "p": "price", "q": "origQty", "z": "executedQty", "X": "status"}
    pairs |= {"Z": "cummulativeQuoteQty", "f": "timeInForce", "o": "type", "S": "side", "w": "isWorking"}
    pairs |= {"O": "time", "W": "workingTime", "V": "selfTradePreventionMode", "P": "stopPrice"}
    assert {name: told["event"][name] for name in pairs} == {name: asked[other] for name, other in pairs.items()}


async def listen_key(fast: Fast, person: Person) -> str:
    """A listen key, asked for at the main door."""
    reply = await fast.house.client(person).ask("POST", "/api/v3/userDataStream")
    key = reply.json["listenKey"]
    assert isinstance(key, str)
    return key


async def test_a_listen_key_opens_the_same_stream_without_wrapping(fast: Fast) -> None:
    key = await listen_key(fast, fast.house.alice)
    async with fast.reader(f"/ws/{key}") as bare, fast.reader(f"/stream?streams={key}/btcusdt@trade") as named:
        await fast.limit(fast.house.alice, Side.BUY, 2_900_000, 50)
        told, wrapped = await bare.read(), await named.read()
    assert (told["e"], told["x"]) == ("executionReport", "NEW")
    assert wrapped == {"stream": key, "data": told}


async def test_a_closed_listen_key_ends_the_stream_and_opens_no_other(fast: Fast) -> None:
    key = await listen_key(fast, fast.house.alice)
    async with fast.reader(f"/ws/{key}") as reader:
        await fast.house.client(fast.house.alice).ask("DELETE", "/api/v3/userDataStream", listenKey=key)
        ended = await reader.read()
        assert (ended["e"], ended["listenKey"]) == ("listenKeyExpired", key)
        with pytest.raises(ConnectionClosed) as closed:
            await reader.read()
        assert (closed.value.rcvd and closed.value.rcvd.code) == 1000
    with pytest.raises(InvalidStatus):
        async with fast.reader(f"/ws/{key}"):
            pass


async def test_a_listen_key_that_expires_ends_an_open_stream(fast: Fast) -> None:
    rooms, alice = fast.house.rooms, fast.house.alice
    key = rooms.listen_keys.create(alice.account, alice.key.api_key, Micros(rooms.clock.now() - LIFETIME + 500_000))
    async with fast.reader(f"/ws/{key}") as reader:
        ended = await reader.read()
        assert (ended["e"], ended["listenKey"]) == ("listenKeyExpired", key)
        with pytest.raises(ConnectionClosed):
            await reader.read()


async def test_nothing_is_told_by_a_listen_key_that_was_closed_a_moment_ago(fast: Fast) -> None:
    rooms, alice = fast.house.rooms, fast.house.alice
    key = await listen_key(fast, alice)
    async with fast.reader(f"/ws/{key}") as reader:
        rooms.listen_keys.close(alice.account, key)
        await fast.limit(alice, Side.BUY, 2_900_000, 50)
        assert (await reader.read())["e"] == "listenKeyExpired"


async def test_market_streams_beside_an_ended_listen_key_go_on(fast: Fast) -> None:
    key = await listen_key(fast, fast.house.alice)
    async with fast.reader(f"/stream?streams={key}/btcusdt@trade") as reader:
        fast.house.rooms.listen_keys.close(fast.house.alice.account, key)
        assert (await reader.read())["data"]["e"] == "listenKeyExpired"
        assert (await reader.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1}))["result"] == ["btcusdt@trade"]
        await fast.trade(2_900_000, 50)
        assert (await reader.read())["stream"] == "btcusdt@trade"


async def test_a_listen_key_expires_after_its_hour(fast: Fast) -> None:
    rooms = fast.house.rooms
    alice = fast.house.alice
    key = rooms.listen_keys.create(alice.account, alice.key.api_key, Micros(rooms.clock.now() - LIFETIME))
    with pytest.raises(InvalidStatus) as caught:
        async with fast.reader(f"/ws/{key}"):
            pass
    assert msgspec.json.decode(bytes(caught.value.response.body or b""))["code"] == -1125
