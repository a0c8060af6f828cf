"""Refusals that a program can read, and the skew of clocks; the dialect's bodies stay as they are."""

from __future__ import annotations

import inspect

import pytest

from exchange.api import errors
from exchange.api.docs.refusals import _sample
from exchange.api.errors import Refusal, refusal_of
from exchange.api.reasons import reason_of
from exchange.core.rejects import Reject
from tests.api.house import House

MADE = [
    *(value for value in vars(errors).values() if isinstance(value, Refusal)),
    *(
        _sample(value)
        for name, value in vars(errors).items()
        if inspect.isfunction(value) and value.__module__ == errors.__name__ and value is not refusal_of
    ),
]


@pytest.mark.parametrize("refusal", MADE, ids=str)
def test_every_refusal_of_the_doors_has_a_reason(refusal: Refusal) -> None:
    reason = reason_of(refusal)
    assert reason.isupper()
    assert not reason.startswith("CODE_"), "give it a name in exchange/api/reasons.py"


@pytest.mark.parametrize("reject", Reject)
def test_every_refusal_of_the_core_has_its_own(reject: Reject) -> None:
    assert reason_of(refusal_of(reject)) == reject.name


async def test_the_dialects_bodies_stay_code_and_message(house: House) -> None:
    """The reason is a header, which a client that does not know it never sees."""
    reply = await house.client(house.alice).order("SELL", "200", "30000")
    assert set(reply.json) == {"code", "msg"}
    assert reply.headers["x-reject-reason"] == "INSUFFICIENT_FUNDS"


@pytest.mark.parametrize("ahead", [-3_600_000, 5_000])
async def test_a_clock_that_is_wrong_is_told_by_how_much(house: House, ahead: int) -> None:
    """In headers of the dialect's refusal, whose body stays as it is."""
    now = house.rooms.clock.now() // 1000
    reply = await house.client(house.alice).signed("GET", "/api/v3/account", timestamp=now + ahead)
    assert set(reply.json) == {"code", "msg"}
    assert reply.json["code"] == -1021
    assert abs(int(reply.headers["x-clock-skew-ms"]) - ahead) < 5_000
    assert abs(int(reply.headers["x-server-time"]) - now) < 5_000


async def test_beyond_the_dialect_the_body_tells_it_too(house: House) -> None:
    now = house.rooms.clock.now() // 1000
    reply = await house.client(house.alice).signed("GET", "/ext/v1/events", timestamp=now - 3_600_000)
    assert reply.json["reason"] == "CLOCK_SKEW"
    assert abs(reply.json["clockSkewMs"] + 3_600_000) < 5_000
    assert abs(reply.json["serverTime"] - now) < 5_000


async def test_a_good_reply_tells_no_reason(house: House) -> None:
    reply = await house.client(house.alice).order("BUY", "1", "29000")
    assert "x-reject-reason" not in reply.headers


async def test_an_unknown_path_beyond_the_dialect_is_refused_with_a_reason(house: House) -> None:
    reply = await house.client().ask("GET", "/ext/v1/nothing")
    assert (reply.status, reply.json["reason"]) == (404, "NOT_SUPPORTED")
