"""Thousands of hostile frames to the WebSocket API: each is answered, none by a 500, and nothing has changed."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from pathlib import Path

import trio

from exchange.api.ws_api import METHODS
from exchange.api.ws_methods import LATER
from tests.api.fast import Fast, Reader, fast_house
from tests.api.test_hostile import NAMES, POISON, SEED

PATH = "/ws-api/v3?returnRateLimits=false"
ROUNDS = 60
"""So many requests go to each method."""

RAW = (
    *("null", "true", "false", "0", "-0", "1", "1.5", "1e5", "1E-7", "1e400", "-1", "9" * 30, "0." + "0" * 40 + "1"),
    *("[]", "{}", '["BTCUSDT"]', '["BTCUSDT","BTCUSDT"]', '[["BTCUSDT"]]', '{"a":{"b":1}}', "[" * 50 + "]" * 50),
    *('"\\u0000"', '"\\ud83d\\ude00"', '"BTCUSDT"', '"BUY"', '"LIMIT"', '"GTC"', '"a&side=BUY"', '" "'),
    *(json.dumps(text) for text in POISON),
)
"""Values as they stand in JSON."""

NO_REQUESTS = (
    *("", " ", "null", "1", '"x"', "[]", "{}", "{", "}", '{"id":1', "\x00", "\ufeff{}", "[" * 16_000, '{"a":' * 3_000),
    *('{"id":1,"method":"ping"}{}', '{"id":1,"method":"ping",}', "{'id':1}", '{"id":1,"method":"ping","params":[]}'),
    *('{"id":1,"method":null}', '{"id":1,"method":["ping"]}', '{"id":1,"method":"\\ud800"}', '{"id":1e999}'),
    *('{"id":1,"method":"ping","params":{"a":NaN}}', '{"id":1,"method":"__class__"}', '{"id":1,"method":"v3/v3/ping"}'),
)


def hostile(fast: Fast, dice: random.Random, method: str) -> str:
    """A request with a few parameters, most of them known; most of the time with a good signature."""
    members = {dice.choice(NAMES): dice.choice(RAW) for _ in range(dice.randrange(8))}
    if dice.random() < 0.7:
        key = fast.house.alice.key
        members |= {"apiKey": f'"{key.api_key}"', "timestamp": str(fast.house.rooms.clock.now() // 1000)}
        members.pop("signature", None)
        payload = "&".join(f"{name}={_text(members[name])}" for name in sorted(members))
        assert key.secret is not None
        members["signature"] = f'"{hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()}"'
    params = ",".join(f"{json.dumps(name)}:{value}" for name, value in members.items())
    return f'{{"id":1,"method":"{method}","params":{{{params}}}}}'


def _text(raw: str) -> str:
    if raw.startswith('"'):
        return str(json.loads(raw))
    return "" if raw == "null" else raw


async def statuses_of(reader: Reader, texts: list[str]) -> set[int]:
    """The statuses of all replies. Sends and reads at once: who only sends is not read."""
    found: set[int] = set()

    async def shoot() -> None:
        for text in texts:
            await reader.socket.send(text)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shoot)
        for _ in texts:
            found.add((await reader.read_until(lambda message: "status" in message))["status"])
    return found


async def test_no_hostile_request_causes_a_500_moves_money_or_ends_a_connection(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    async with fast_house(tmp_path) as fast, fast.reader(PATH) as reader, fast.reader(PATH) as bystander:
        before = await fast.house.fingerprint()
        texts = [hostile(fast, dice, method) for _ in range(ROUNDS) for method in (*METHODS, *LATER)]
        assert len(texts) > 3_000
        assert await statuses_of(reader, texts) == {200, 400, 401}
        assert await statuses_of(reader, list(NO_REQUESTS)) == {400}
        assert await fast.house.fingerprint() == before
        assert (await bystander.ask({"id": 1, "method": "ping"}))["status"] == 200


async def test_a_frame_that_is_too_long_ends_its_own_connection_and_no_other(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast, fast.reader(PATH) as reader, fast.reader(PATH) as bystander:
        await reader.socket.send('{"id":1,"method":"ping","params":{}}' + " " * 16_384)
        with trio.fail_after(120):
            await reader.socket.wait_closed()
        assert reader.socket.close_code == 1009
        assert (await bystander.ask({"id": 1, "method": "ping"}))["status"] == 200
