"""B22: a key with a list of addresses is good from there only, over HTTP of both doors and over WebSockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio
from websockets.exceptions import InvalidStatus
from websockets.trio.client import connect

from exchange.settings import Settings
from tests.api.fast import Fast, Reader, fast_house, signed
from tests.api.house import TRADE, Person

PROXY = "127.0.0.1"
HOME, AWAY = "203.0.113.7", "198.51.100.1"
REFUSED = (401, -2015, "Invalid API-key, IP, or permissions for action.")


@asynccontextmanager
async def house_behind_a_proxy(folder: Path) -> AsyncIterator[tuple[Fast, Person]]:
    """Both doors, and alice with a key for her home's network."""
    settings = Settings(weight_limit_per_minute=0, proxy_address=PROXY)
    async with fast_house(folder, settings=settings) as fast:
        alice = fast.house.alice
        key = fast.house.rooms.keyring.create(
            alice.account, TRADE, "hmac", addresses=("203.0.113.0/24", "2001:db8::/48")
        )
        yield fast, Person("alice", alice.account, key)


@asynccontextmanager
async def from_address(fast: Fast, address: str, path: str = "/ws-api/v3") -> AsyncIterator[Reader]:
    """A WebSocket of a client at that address, through the proxy."""
    url, headers = f"ws://127.0.0.1:{fast.port}{path}", {"X-Forwarded-For": address}
    async with connect(url, compression=None, proxy=None, additional_headers=headers) as socket:
        yield Reader(socket)


@pytest.mark.parametrize("door", ["main", "fast"])
async def test_b22_http_is_for_who_is_on_the_list(tmp_path: Path, door: str) -> None:
    """B22: signed requests, and those that want no more than a key."""
    async with house_behind_a_proxy(tmp_path) as (fast, alice), httpx.AsyncClient(trust_env=False) as http:
        url = fast.house.url if door == "main" else f"http://127.0.0.1:{fast.port}"
        client = fast.house.client(alice)
        for address, status in ((HOME, 200), ("2001:db8::7", 200), (AWAY, 401), (f"{HOME}, {AWAY}", 401)):
            headers = {"X-Forwarded-For": address, "X-MBX-APIKEY": alice.key.api_key}
            query = client.sign(f"timestamp={fast.house.rooms.clock.now() // 1000}")
            for method, path in (("GET", f"/api/v3/account?{query}"), ("POST", "/api/v3/userDataStream")):
                reply = await http.request(method, url + path, headers=headers)
                assert reply.status_code == status, (address, path)
                assert status == 200 or reply.json() == {"code": -2015, "msg": REFUSED[2]}


async def test_b22_nobody_but_the_proxy_says_where_a_client_is(tmp_path: Path) -> None:
    async with fast_house(tmp_path) as fast:
        keyring, alice = fast.house.rooms.keyring, fast.house.alice
        keyring.limit(alice.key.api_key, (HOME,))
        client = fast.house.client(alice)
        query = client.sign(f"timestamp={fast.house.rooms.clock.now() // 1000}")
        reply = await client.send("GET", "/api/v3/account", query, headers={"X-Forwarded-For": HOME})
        assert reply.error == REFUSED
        keyring.limit(alice.key.api_key, ("127.0.0.0/8",))
        assert (await client.signed("GET", "/api/v3/account")).status == 200


@pytest.mark.parametrize(
    "method", ["session.logon", "account.status", "userDataStream.subscribe.signature", "ext.events.subscribe"]
)
async def test_b22_signed_requests_over_a_websocket_are_for_who_is_on_the_list(tmp_path: Path, method: str) -> None:
    """B22: to log on, to ask, to subscribe."""
    async with house_behind_a_proxy(tmp_path) as (fast, alice):
        for address, status in ((HOME, 200), (AWAY, 401)):
            async with from_address(fast, address) as reader:
                params = signed(alice, fast.house.rooms.clock.now())
                reply = await reader.ask({"id": 1, "method": method, "params": params})
                assert reply["status"] == status
                assert status == 200 or (reply["error"]["code"], reply["error"]["msg"]) == REFUSED[1:]


async def test_b22_a_new_list_holds_for_open_connections_too(tmp_path: Path) -> None:
    """B22: who logged on from elsewhere is logged out, and its subscriptions end within a second."""
    async with house_behind_a_proxy(tmp_path) as (fast, alice), from_address(fast, HOME) as reader:
        clock = fast.house.rooms.clock
        await reader.ask({"id": 1, "method": "session.logon", "params": signed(alice, clock.now())})
        assert (await reader.ask({"id": 2, "method": "userDataStream.subscribe"}))["status"] == 200
        fast.house.rooms.keyring.limit(alice.key.api_key, (AWAY,))
        stamp = {"timestamp": clock.now() // 1000}
        reply = await reader.ask({"id": 3, "method": "account.status", "params": stamp})
        assert (reply["status"], reply["error"]["code"]) == (401, -2015)
        with trio.fail_after(120):
            ended = await reader.read_until(lambda message: "event" in message)
        assert ended["event"]["e"] == "eventStreamTerminated"
        status = await reader.ask({"id": 4, "method": "session.status"})
        assert status["result"]["apiKey"] is None


async def test_b22_a_key_reads_whether_it_is_limited(tmp_path: Path) -> None:
    """B22: `ipRestrict` tells the truth."""
    async with fast_house(tmp_path) as fast:
        client, found = fast.house.client(fast.house.alice), []
        for addresses in ((), ("127.0.0.1",)):
            fast.house.rooms.keyring.limit(fast.house.alice.key.api_key, addresses)
            found.append((await client.signed("GET", "/sapi/v1/account/apiRestrictions")).json["ipRestrict"])
        assert found == [False, True]


async def test_b23_a_request_counts_as_use_only_if_its_signature_was_right(tmp_path: Path) -> None:
    """B23: knowing a key's name keeps it from expiring as little as it opens anything else."""
    async with fast_house(tmp_path) as fast:
        alice = fast.house.alice
        use, client = alice.key.key.use, fast.house.client(alice)
        wrong = client.sign(f"timestamp={fast.house.rooms.clock.now() // 1000}")[:-1] + "x"
        assert (await client.send("GET", "/api/v3/account", wrong)).error[1] == -1022
        assert not use.noticed
        async with fast.reader("/ws-api/v3") as reader:
            params = signed(alice, fast.house.rooms.clock.now())
            await reader.ask({"id": 1, "method": "account.status", "params": params})
        assert use.noticed


async def test_b22_a_stream_by_listen_key_is_for_who_is_on_the_list(tmp_path: Path) -> None:
    """B22: to connect, and to read on when the list is changed."""
    async with house_behind_a_proxy(tmp_path) as (fast, alice):
        rooms = fast.house.rooms
        key = rooms.listen_keys.create(alice.account, alice.key.api_key, rooms.clock.now())
        with pytest.raises(InvalidStatus):
            async with from_address(fast, AWAY, f"/ws/{key}"):
                pass
        async with from_address(fast, HOME, f"/ws/{key}") as reader:
            rooms.keyring.limit(alice.key.api_key, (AWAY,))
            assert (await reader.read())["e"] == "listenKeyExpired"
