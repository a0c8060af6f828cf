"""What a client may send, and what it is told when it sends something else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from exchange.admin import wire
from exchange.admin.acts import CALLS
from exchange.admin.client import Disconnected, connect
from exchange.admin.house import Refused
from exchange.admin.lines import Lines
from tests.admin.furnished import House, attached, code, enrol, furnished, served

ATTACH = b'{"id":1,"method":"attach","params":{}}\n'


@asynccontextmanager
async def raw(folder: Path) -> AsyncIterator[tuple[trio.SocketStream, Lines]]:
    """A connection on which anything can be sent, to a demo's desk."""
    async with furnished(folder, demo=True) as house, served(house):
        stream = await trio.open_unix_socket(str(house.socket))
        async with stream:
            yield stream, Lines(stream, wire.MAX_FRAME)


async def answer(lines: Lines) -> dict[str, Any]:
    """The next line, as a program that knows nothing of ours would read it."""
    with trio.fail_after(120):
        line = await lines.next()
    assert line is not None, "hung up"
    decoded: dict[str, Any] = json.loads(line)
    return decoded


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"",
        b"[]",
        b'{"id":"1","method":"status"}',
        b'{"id":1}',
        b'{"id":1,"method":"status","extra":1}',
        b'{"id":1.5,"method":"status"}',
        b'{"id":1,"method":"status","params":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'\xff\xfe{"id":1}',
        b'{"id":1,"method":"status"',
    ],
)
async def test_what_is_no_question_is_refused_and_ends_the_session(tmp_path: Path, line: bytes) -> None:
    async with raw(tmp_path) as (stream, lines):
        await stream.send_all(ATTACH + line + b"\n")
        await answer(lines)
        told = await answer(lines)
        assert told["type"] == "refusal"
        assert told["code"] in ("malformed", "bad_params")
        assert told["code"] == "bad_params" or await lines.next() is None


async def test_b25_a_line_has_a_limit(tmp_path: Path) -> None:
    """B25: nothing that is longer is kept in memory."""
    async with raw(tmp_path) as (stream, lines):
        await stream.send_all(b"x" * (wire.MAX_ASK + 1))
        assert (await answer(lines))["code"] == "too_long"
        assert await lines.next() is None


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("book", {}),
        ("book", {"symbol": 1}),
        ("book", {"symbol": "BTCUSDT", "dept": 5}),
        ("market.phase", {"symbol": "BTCUSDT", "phase": "CLOSED", "reason": "x"}),
        ("credit", {"account": "alice", "asset": "BTC", "amount": 1.5}),
        ("key.create", {"account": "alice", "scopes": "trade"}),
        ("operator.add", {"name": "bert", "uid": "0", "role": "operations"}),
        ("attach", {"code": 123456}),
        ("book", []),
        ("book", None),
    ],
)
async def test_b25_bad_parameters_are_refused_by_name(tmp_path: Path, method: str, params: object) -> None:
    """B25: unknown ones too; the session goes on."""
    async with raw(tmp_path) as (stream, lines):
        question = json.dumps({"id": 7, "method": method, "params": params}).encode()
        await stream.send_all(ATTACH + question + b"\n" + ATTACH)
        await answer(lines)
        told = await answer(lines)
        assert (told["type"], told["id"], told["code"]) == ("refusal", 7, "bad_params")
        assert (await answer(lines))["type"] == "reply"


async def test_an_unknown_method_is_refused_by_name(tmp_path: Path) -> None:
    async with raw(tmp_path) as (stream, lines):
        await stream.send_all(b'{"id":7,"method":"balance.edit"}\n')
        told = await answer(lines)
        assert (told["code"], "balance.edit" in told["text"]) == ("unknown_method", True)


async def test_questions_are_answered_in_order(tmp_path: Path) -> None:
    async with raw(tmp_path) as (stream, lines):
        questions = [wire.request(number, wire.ListMarkets()) for number in range(2, 30)]
        await stream.send_all(ATTACH + b"".join(questions))
        assert [(await answer(lines))["id"] for _ in range(29)] == list(range(1, 30))


async def test_a_question_may_come_in_pieces(tmp_path: Path) -> None:
    async with raw(tmp_path) as (stream, lines):
        for byte in ATTACH:
            await stream.send_all(bytes((byte,)))
        assert (await answer(lines))["type"] == "reply"


async def test_b24_questions_have_a_rate(tmp_path: Path) -> None:
    """B24: a hundred at once; the clock stands still here, so no more come through."""
    async with raw(tmp_path) as (stream, lines):
        await stream.send_all(ATTACH * 101)
        told = [(await answer(lines))["type"] for _ in range(101)]
        assert told == ["reply"] * 100 + ["refusal"]


async def test_b6_who_tries_codes_has_to_wait(tmp_path: Path) -> None:
    """B6: and the trail has every code that was looked at, but none of the digits."""
    async with furnished(tmp_path) as house:
        totp = enrol(house)
        wrong = next(text for text in map("{:06d}".format, range(9)) if text not in near(house, totp))
        codes = []
        async with served(house), connect(house.socket) as client:
            for _ in range(5):
                with pytest.raises(Refused) as refused:
                    await client.call(wire.Attach(wrong))
                codes.append(refused.value.code)
        assert codes == ["wrong_code"] * 4 + ["wait"]
        assert [entry.stage for entry in house.trail.tail(500)] == ["asked", "refused"] * 4
        assert wrong not in " ".join(entry.detail for entry in house.trail.tail(500))


def near(house: House, totp: Any) -> set[str]:
    """The codes that are right now, or nearly."""
    step = house.clock.now() // 30_000_000
    return {totp.generate_otp(step + offset) for offset in range(-2, 3)}


async def test_a_bug_in_a_method_is_told_and_the_desk_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One operator's question must not end the exchange."""

    async def fail(house: House, ask: wire.ShowMarket) -> wire.MarketRules:
        raise ZeroDivisionError

    monkeypatch.setitem(CALLS, "market.show", fail)
    async with furnished(tmp_path) as house, attached(house) as client:
        with pytest.raises(Refused) as refused:
            await client.call(wire.ShowMarket("BTCUSDT"))
        assert refused.value.code == "unknown"
        assert (await client.call(wire.GetStatus())).accounts == 2
    assert "ZeroDivisionError" in "".join(capsys.readouterr())


async def test_b40_a_code_that_is_malformed_is_not_repeated(tmp_path: Path) -> None:
    """B40: errors name the field, not its value."""
    async with raw(tmp_path) as (stream, lines):
        await stream.send_all(b'{"id":1,"method":"attach","params":{"code":987654}}\n')
        assert "987654" not in json.dumps(await answer(lines))


async def test_a_session_does_not_outlive_its_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B13: however busy it is."""
    monkeypatch.setattr("exchange.admin.session.LIFE_SECONDS", 0.2)
    async with furnished(tmp_path) as house:
        totp = enrol(house)
        async with served(house), connect(house.socket) as client:
            await client.call(wire.Attach(code(house, totp)))
            with trio.fail_after(120), pytest.raises(Disconnected, match="24 hours"):
                await client.push()
