"""Too much is refused: by weight per address, by orders per account, and the queue by its length."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.api.errors import Refused
from exchange.api.limits import DAY, FIRST_BAN, LONGEST_BAN, MINUTE, Limits
from exchange.core.units import AccountId, Micros
from exchange.settings import Settings
from tests.api.house import SetClock, running_house

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
