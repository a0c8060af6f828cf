"""Too much is refused: by weight per address, by orders per account, and the queue by its length."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from exchange.api.errors import Refused
from exchange.api.limits import DAY, FIRST_BAN, LONGEST_BAN, MINUTE, Limits, start_of_day
from exchange.api.unfilled import Unfilled, recall
from exchange.core.units import AccountId, Micros
from exchange.settings import Settings
from tests.api.house import Client, SetClock, running_house

NOON = 1_700_000_000_000_000 // DAY * DAY + DAY // 2
ALICE, BOB = AccountId(100), AccountId(101)


def refused(limits: Limits, address: str, weight: int, now: int) -> tuple[int, int]:
    """(status, seconds to wait)."""
    with pytest.raises(Refused) as caught:
        limits.charge(address, weight, Micros(now))
    return caught.value.refusal.status, caught.value.refusal.retry_after


def test_the_last_unit_of_weight_is_granted_and_the_next_is_not() -> None:
    limits = Limits(10)
    assert limits.charge("a", 10, Micros(NOON)) == 10
    assert refused(limits, "a", 1, NOON + 1) == (429, 60)


def test_addresses_do_not_pay_for_each_other() -> None:
    limits = Limits(10)
    limits.charge("a", 10, Micros(NOON))
    assert limits.charge("b", 10, Micros(NOON)) == 10


def test_addresses_of_one_line_of_ipv6_pay_together() -> None:
    """B24: 2**64 addresses come with the first, and each would have a whole minute's weight."""
    limits = Limits(10, attempts=1)
    limits.charge("2001:db8::1", 10, Micros(NOON))
    assert limits.used("2001:db8::2", Micros(NOON)) == 10
    assert refused(limits, "2001:db8::ffff", 11, NOON)[0] == 429
    assert refused(limits, "2001:db8::3", 1, NOON)[0] == 418
    assert limits.charge("2001:db8:0:1::1", 10, Micros(NOON)) == 10
    limits.count_attempt("2001:db8::1", Micros(NOON))
    with pytest.raises(Refused):
        limits.count_attempt("2001:db8::2", Micros(NOON))


def test_the_next_minute_begins_at_zero() -> None:
    limits = Limits(10)
    limits.charge("a", 10, Micros(NOON))
    assert limits.charge("a", 1, Micros(NOON + MINUTE)) == 1


def test_who_goes_on_is_shut_out_twice_as_long_each_time() -> None:
    limits, now = Limits(10), NOON
    limits.charge("a", 10, Micros(now))
    for times in (1, 2, 4):
        assert refused(limits, "a", 11, now)[0] == 429
        length = FIRST_BAN * times
        assert refused(limits, "a", 1, now + 1) == (418, length // 1_000_000)
        assert refused(limits, "a", 1, now + length - 1) == (418, 1)
        now += length
        limits.charge("a", 10, Micros(now))


def test_no_ban_is_longer_than_the_longest() -> None:
    limits, now, status, wait = Limits(1), NOON, 0, 0
    for _ in range(20):
        refused(limits, "a", 3, now)
        status, wait = refused(limits, "a", 1, now)
        now += wait * 1_000_000
    assert (status, wait) == (418, LONGEST_BAN // 1_000_000)


def test_zero_lifts_all_limits() -> None:
    limits = Limits(0)
    limits.charge("a", 10**9, Micros(NOON))
    for _ in range(1_000):
        limits.count_order(ALICE, Micros(NOON))


def test_orders_are_counted_by_account_and_window() -> None:
    limits = Limits(6_000, 2, 3)
    limits.count_order(ALICE, Micros(NOON))
    limits.count_order(ALICE, Micros(NOON))
    limits.count_order(BOB, Micros(NOON))
    with pytest.raises(Refused, match="current limit is 2 orders per 10 SECOND"):
        limits.count_order(ALICE, Micros(NOON + 1))
    limits.count_order(ALICE, Micros(NOON + 10_000_000))
    with pytest.raises(Refused, match="current limit is 3 orders per 1 DAY") as caught:
        limits.count_order(ALICE, Micros(NOON + 20_000_000))
    assert (caught.value.refusal.status, caught.value.refusal.retry_after) == (429, DAY // 2_000_000 - 20)


async def test_the_door_counts_weights_says_so_and_shuts(tmp_path: Path) -> None:
    clock = SetClock(NOON)
    async with running_house(tmp_path, clock, Settings(weight_limit_per_minute=100)) as house:
        client = house.client()
        assert (await client.ask("GET", "/api/v3/ping")).headers["X-MBX-USED-WEIGHT-1M"] == "1"
        depth = await client.ask("GET", "/api/v3/depth", symbol="BTCUSDT", limit=1000)
        assert depth.headers["X-MBX-USED-WEIGHT-1M"] == "51"
        much = await client.ask("GET", "/api/v3/depth", symbol="BTCUSDT", limit=1000)
        assert much.error[:2] == (429, -1003)
        assert (much.headers["Retry-After"], much.headers["X-MBX-USED-WEIGHT-1M"]) == ("60", "101")
        way_too_much = [await client.ask("GET", "/api/v3/ping") for _ in range(101)][-1]
        assert way_too_much.error[:2] == (418, -1003)
        assert way_too_much.headers["Retry-After"] == "120"
        clock.time += FIRST_BAN
        assert (await client.ask("GET", "/api/v3/ping")).status == 200


async def test_orders_are_counted_in_headers_and_told_on_request(tmp_path: Path) -> None:
    settings = Settings(order_limit_per_10_seconds=3)
    async with running_house(tmp_path, SetClock(NOON), settings) as house:
        alice = house.client(house.alice)
        for number in "123":
            placed = await alice.order("BUY", "0.1", "29000")
            assert placed.headers["X-MBX-ORDER-COUNT-10S"] == number
            assert placed.headers["X-MBX-ORDER-COUNT-1D"] == number
        refusal = await alice.order("BUY", "0.1", "29000")
        assert refusal.error == (429, -1015, "Too many new orders; current limit is 3 orders per 10 SECOND.")
        counts = (await alice.signed("GET", "/api/v3/rateLimit/order")).json
        assert [(one["interval"], one["limit"], one["count"]) for one in counts] == [
            ("SECOND", 3, 3),
            ("DAY", 200_000, 3),
        ]
        assert (await house.client(house.bob).order("BUY", "0.1", "29000")).status == 200


async def test_a_full_queue_is_503_and_nothing_happened(tmp_path: Path) -> None:
    async with running_house(tmp_path) as house:
        before = await house.fingerprint()
        house.rooms.sequencer._queue_limit = house.rooms.sequencer._order_limit = 0
        refusal = await house.client(house.alice).order("BUY", "0.1", "29000")
        assert refusal.error[:2] == (503, -1008)
        assert await house.fingerprint() == before


async def test_who_trades_may_go_on_placing_orders(tmp_path: Path) -> None:
    """As in the dialect's examples: one order fewer for a taker, five for a maker, never less than none."""
    settings = Settings(order_limit_per_10_seconds=50)
    async with running_house(tmp_path, SetClock(NOON), settings) as house:
        alice, bob = house.client(house.alice), house.client(house.bob)

        async def counts(client: Client) -> list[int]:
            return [one["count"] for one in (await client.signed("GET", "/api/v3/rateLimit/order")).json]

        for price in ("29000", "28999", "28998", "28997", "28996", "28995", "28994"):
            await alice.order("BUY", "1", price)
        assert await counts(alice) == [7, 7]
        await bob.order("SELL", "0.5", "29000")
        assert (await counts(alice), await counts(bob)) == ([2, 2], [0, 0])
        await bob.order("SELL", "0.5", "29000")
        assert await counts(alice) == [2, 2]
        await bob.order("SELL", "1", "28999")
        assert await counts(alice) == [0, 0]
        await alice.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
        await bob.order("SELL", "1", "31000")
        assert (await counts(alice), await counts(bob)) == ([0, 0], [1, 1])


def test_a_fill_gives_nothing_back_of_an_interval_that_is_over() -> None:
    limits = Limits(6_000, 10, 10)
    limits.count_order(ALICE, Micros(NOON))
    limits.count_order(ALICE, Micros(NOON + 10_000_000))
    limits.forgive(ALICE, 5, Micros(NOON + 9_999_999))
    assert [count for _, count in limits.orders(ALICE, Micros(NOON + 10_000_001))] == [1, 0]


async def test_orders_that_rested_before_a_restart_count_as_unfilled(tmp_path: Path) -> None:
    clock = SetClock(NOON)
    async with running_house(tmp_path, clock, Settings()) as house:
        await house.client(house.alice).order("BUY", "1", "29000")
        limits = Limits()
        again = Unfilled(limits, house.rooms.sequencer.state.orders.values())
        house.rooms.sequencer.subscribe(again.consume)
        limits.count_order(house.alice.account, clock.now())
        await house.client(house.bob).order("SELL", "1", "29000")
        assert [count for _, count in limits.orders(house.alice.account, clock.now())] == [0, 0]


async def test_a_restart_forgets_no_order_of_the_day(tmp_path: Path) -> None:
    """What the ledger tells gives the very counts that were kept: fills, takers, makers, and of the day before."""
    clock, settings = SetClock(NOON), Settings(order_limit_per_10_seconds=1_000)
    dice = random.Random(7)

    async def trade(*people: Client) -> None:
        for _ in range(30):
            who, (side, away) = dice.choice(people), dice.choice([("BUY", -1), ("SELL", 1)])
            await who.order(side, f"0.{dice.randint(1, 3)}", str(29_000 + away * dice.randint(-1, 9)))
            clock.time += dice.choice([1, 200_000, 900_000])

    async with running_house(tmp_path, clock, settings) as house:
        rooms = house.rooms
        people = [house.alice, house.bob]
        await trade(*(house.client(one) for one in people))
        for _ in range(2):
            clock.time += DAY - clock.time % DAY + 7_000_000
            await trade(*(house.client(one) for one in people))
            again, now = Limits(), clock.now()
            recall(again, rooms.queries.deeds_since(rooms.catalogue.markets, start_of_day(now)), now)
            for one in people:
                kept = [count for _, count in rooms.limits.orders(one.account, now)]
                assert [count for _, count in again.orders(one.account, now)] == kept
                assert 0 < kept[1] < 20


REPLACE: dict[str, object] = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "28000",
}  # fmt: skip
TOO_MANY = {"code": -1015, "msg": "Too many new orders; current limit is 1 orders per 10 SECOND."}


@pytest.mark.parametrize(
    ("mode", "exceeded", "order", "status", "code", "results"),
    [
        ("STOP_ON_FAILURE", "DO_NOTHING", 1, 429, -1015, None),
        ("ALLOW_FAILURE", None, 1, 429, -1015, None),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", 1, 429, -2021, ("SUCCESS", "FAILURE")),
        ("STOP_ON_FAILURE", "CANCEL_ONLY", 9, 429, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", "CANCEL_ONLY", 1, 409, -2021, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", "CANCEL_ONLY", 9, 400, -2022, ("FAILURE", "FAILURE")),
    ],
)
async def test_too_many_orders_and_a_cancel_replace(
    tmp_path: Path, mode: str, exceeded: str | None, order: int, status: int, code: int, results: tuple[str, str] | None
) -> None:
    async with running_house(tmp_path, SetClock(NOON), Settings(order_limit_per_10_seconds=1)) as house:
        alice = house.client(house.alice)
        await alice.order("BUY", "1", "29000")
        asked = REPLACE | {"cancelReplaceMode": mode, "cancelOrderId": order}
        asked |= {"orderRateLimitExceededMode": exceeded} if exceeded else {}
        reply = await alice.signed("POST", "/api/v3/order/cancelReplace", **asked)
        assert reply.error[:2] == (status, code)
        assert ("retry-after" in reply.headers) is (status == 429)
        if results is not None:
            data = reply.json["data"]
            assert (data["cancelResult"], data["newOrderResult"]) == results
            assert data["newOrderResponse"] == (None if results[1] == "NOT_ATTEMPTED" else TOO_MANY)
        left = (await alice.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT")).json
        assert len(left) == (results is None or results[0] != "SUCCESS")
