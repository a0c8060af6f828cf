"""What the log has of requests: an id that the answer carries, never what was sent; and a flood writes little."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from exchange.api import errors
from exchange.api.request_log import HEADER, LINES_PER_SECOND, RequestLog
from exchange.clock import SystemClock
from exchange.core.units import Micros
from exchange.ops import logs
from exchange.settings import Settings
from tests.api.fast import fast_house
from tests.api.house import running_house

CANARY = "canary-b40-7f3a91"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, as a collector reads it."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    before = structlog.get_config()
    logs.configure()
    yield stream
    structlog.configure(**before)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


async def test_a_refusal_stands_in_the_log_under_the_id_that_its_answer_carries(
    tmp_path: Path, written: io.StringIO
) -> None:
    async with running_house(tmp_path) as house:
        replies = [await house.client().ask("GET", "/api/v3/depth", symbol=name) for name in ("NONE", "NOR", "BTCUSDT")]
    assert HEADER not in replies[2].headers
    assert [reply.headers[HEADER] for reply in replies[:2]] == [line["request"] for line in lines(written)]
    first = lines(written)[0]
    assert (first["event"], first["code"], first["status"], first["path"]) == ("refused", -1121, 400, "/api/v3/depth")


async def test_a_request_that_takes_long_is_logged_and_its_answer_names_it(
    tmp_path: Path, written: io.StringIO
) -> None:
    async with running_house(tmp_path, settings=Settings(weight_limit_per_minute=0)) as house:
        house.rooms.requests.slow_us = -1
        reply = await house.client().ask("GET", "/api/v3/time")
    assert reply.status == 200
    (line,) = lines(written)
    assert (line["event"], line["request"], line["path"]) == ("slow", reply.headers[HEADER], "/api/v3/time")


async def test_a_bug_is_logged_with_its_trace_under_the_id_of_the_answer(
    tmp_path: Path, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_house(tmp_path) as house:

        def broken(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("exchange.api.answering.act", broken)
        reply = await house.client().ask("GET", "/api/v3/time")
        assert house.rooms.requests.counts.failed == 1
    assert reply.status == 500
    (line,) = lines(written)
    assert (line["event"], line["request"]) == ("failed", reply.headers[HEADER])
    assert line["exception"][0]["exc_type"] == "ZeroDivisionError"


async def test_b40_no_secret_that_is_sent_wrongly_reaches_the_log(tmp_path: Path, written: io.StringIO) -> None:
    """B40: as a parameter's name or value, in a path, a header, a body or a signature; refused each time."""
    async with running_house(tmp_path) as house:
        client = house.client(house.alice)
        tries = [
            await client.send("GET", f"/api/v3/{CANARY}"),
            await client.send("GET", "/api/v3/account", f"{CANARY}=1&timestamp=1"),
            await client.send("GET", "/api/v3/account", f"timestamp={CANARY}"),
            await client.send("GET", "/api/v3/account", f"timestamp=1&signature={CANARY}"),
            await client.send("POST", "/api/v3/order", "", CANARY.encode()),
            await client.send("GET", "/api/v3/account", headers={"X-MBX-APIKEY": CANARY}),
            await client.send(CANARY.upper(), "/api/v3/order"),
        ]
    assert all(reply.status >= 400 for reply in tries)
    assert len(lines(written)) >= len(tries) - 1
    assert CANARY not in written.getvalue().lower()


async def test_b40_the_websocket_api_logs_known_methods_alone(tmp_path: Path, written: io.StringIO) -> None:
    """B40: whatever the parameters are called."""
    async with fast_house(tmp_path) as fast, fast.reader("/ws-api/v3") as reader:
        for method in (CANARY, "order.place"):
            reply = await reader.ask({"id": 1, "method": method, "params": {CANARY: CANARY}})
            assert reply["status"] >= 400
    assert [line["path"] for line in lines(written)] == [None, "order.place"]
    assert CANARY not in written.getvalue()


def test_a_flood_of_refusals_is_counted_whole_and_written_in_part(written: io.StringIO) -> None:
    """A line says how many were left out."""
    log, now = RequestLog(), SystemClock().now()
    now = Micros(now - now % 1_000_000)
    ids = {log.refused(errors.MALFORMED, "GET", "", "127.0.0.1", now) for _ in range(1_000)}
    log.refused(errors.MALFORMED, "GET", "", "127.0.0.1", Micros(now + 1_000_000))
    assert len(ids) == 1_000
    assert log.counts.refused[errors.MALFORMED.code] == 1_001
    assert len(lines(written)) == LINES_PER_SECOND + 2
    assert lines(written)[LINES_PER_SECOND]["left_out"] == 1_000 - LINES_PER_SECOND
