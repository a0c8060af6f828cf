"""What SECURITY.md asks of the traders' doors, each test with its number, where no other test has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from websockets.exceptions import InvalidStatus
from websockets.trio.client import connect

from exchange.api.errors import Refused
from exchange.api.http_routes import ROUTES, Security
from exchange.api.limits import Limits
from exchange.api.parameters import distinct, pairs
from exchange.core.units import AccountId, Micros
from exchange.office.keys import KeyRefused, Scope, parse_scopes
from exchange.settings import Settings
from tests.api.fast import fast_house, signed
from tests.api.house import READ, House, query, running_house
from tests.api.test_bad_input import FORM, GOOD
from tests.api.test_isolation import PROBES

NOON = Micros(1_700_049_600_000_000)


async def test_a_key_that_may_read_moves_nothing(house: House) -> None:
    """B18: every route that moves something wants the scope to trade."""
    reading = house.client(key=house.rooms.keyring.create(house.alice.account, READ, "hmac"))
    before = await house.fingerprint()
    for route in ROUTES:
        if route.security is Security.TRADE:
            sent = PROBES.get(f"{route.method} {route.path}", {})
            assert (await reading.signed(route.method, route.path, **sent)).error[:2] == (401, -2015), route.path
    assert await house.fingerprint() == before


def test_b18_there_are_three_scopes_and_none_of_them_moves_money_within_the_house() -> None:
    """B18: what wants the scope to withdraw is told where it is tried, in tests/api/custody."""
    assert {scope.value for scope in Scope} == {"read", "trade", "withdraw"}
    with pytest.raises(KeyRefused, match="no scope is called"):
        parse_scopes(("transfer",))


@pytest.mark.parametrize("part", ["query", "body"])
async def test_nothing_can_be_changed_added_or_left_out_under_a_signature(house: House, part: str) -> None:
    """B20: one letter anywhere in what is sent, and the signature is wrong."""
    alice = house.client(house.alice)
    good = query(GOOD | {"timestamp": house.rooms.clock.now() // 1000})
    signature = alice.sign(good).rpartition("&")[2]
    before = await house.fingerprint()
    for spoiled in (
        good.replace("29000", "29001"),
        good + "&recvWindow=60000",
        good.partition("&")[2],
        good.replace("BUY", "buy"),
    ):
        query_string, body = (f"{spoiled}&{signature}", "") if part == "query" else (signature, spoiled)
        reply = await alice.send("POST", "/api/v3/order", query_string, body.encode(), FORM if body else None)
        assert reply.error[:2] == (400, -1022)
    assert await house.fingerprint() == before


@pytest.mark.parametrize(
    ("ahead", "window", "code"),
    [
        *((-4_000, None, 200), (-6_000, None, -1021), (-59_000, 60_000, 200), (-61_000, 60_000, -1021)),
        *((2_000, None, -1021), (0, 60_001, -1131), (0, 10**9, -1100)),
    ],
)
async def test_a_request_is_good_for_5_seconds_and_at_most_60(
    house: House, ahead: int, window: int | None, code: int
) -> None:
    """B21."""
    sent: dict[str, object] = {"timestamp": house.rooms.clock.now() // 1000 + ahead}
    sent |= {"recvWindow": window} if window is not None else {}
    reply = await house.client(house.alice).signed("GET", "/api/v3/openOrders", **sent)
    assert (reply.status if reply.status == 200 else reply.json["code"]) == code


async def test_a_revoked_key_is_dead_on_every_open_socket_within_a_second(tmp_path: Path) -> None:
    """B23: its subscription ends, and its next request is refused."""
    async with fast_house(tmp_path) as fast, fast.reader("/ws-api/v3") as reader:
        params = signed(fast.house.alice, fast.house.rooms.clock.now())
        await reader.ask({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
        fast.house.rooms.keyring.revoke(fast.house.alice.key.api_key)
        refusal = await reader.ask({"id": 2, "method": "account.status", "params": params})
        assert refusal["error"]["code"] == -2015
        with trio.fail_after(120):
            ended = await reader.read_until(lambda message: "event" in message)
        assert ended["event"]["e"] == "eventStreamTerminated"


def test_each_address_and_each_account_has_a_bucket_of_its_own() -> None:
    """B24: weighted by cost; an account's is shared by all its keys, so more keys give nobody more."""
    limits = Limits(10, 2, 5)
    limits.charge("a", 10, NOON)
    limits.charge("b", 10, NOON)
    for address in ("a", "b"):
        with pytest.raises(Refused):
            limits.charge(address, 1, NOON)
    for account in (AccountId(1), AccountId(2)):
        limits.count_order(account, NOON)
        limits.count_order(account, NOON)
        with pytest.raises(Refused):
            limits.count_order(account, NOON)


async def test_bodies_frames_depth_and_parameters_have_an_end(tmp_path: Path) -> None:
    """B25: 64 KiB, 16 KiB, no nesting where none is meant, 64 parameters, none twice."""
    assert Settings().body_limit_bytes == 65_536
    async with fast_house(tmp_path) as fast:
        long = await fast.house.client(fast.house.alice).send("POST", "/api/v3/order", "", b"a=" + b"b" * 65_536, FORM)
        assert long.error[:2] == (413, -1108)
        async with fast.reader("/ws-api/v3") as reader:
            nested = '{"id":1,"method":"ping","params":' + "[" * 4_000 + "]" * 4_000 + "}"
            await reader.socket.send(nested)
            assert (await reader.read())["status"] == 400
            await reader.socket.send(" " * 16_385)
            with trio.fail_after(120):
                await reader.socket.wait_closed()
            assert reader.socket.close_code == 1009
    with pytest.raises(Refused):
        pairs(b"&".join(b"p%d=1" % number for number in range(65)))
    with pytest.raises(Refused):
        distinct([("a", "1"), ("a", "1")])


@pytest.mark.parametrize("certificate", ["", "chain.pem"])
async def test_a_door_that_speaks_tls_says_that_it_always_will(tmp_path: Path, certificate: str) -> None:
    """B48: HSTS, and only there."""
    settings = Settings(weight_limit_per_minute=0, tls_certificate=certificate)
    async with running_house(tmp_path, settings=settings) as house:
        for path in ("/api/v3/ping", "/api/v3/nothing"):
            said = (await house.client().ask("GET", path)).headers.get("strict-transport-security")
            assert said == ("max-age=31536000" if certificate else None)


async def test_pages_run_no_script_but_their_own_and_nobody_frames_them(house: House) -> None:
    """B49: also that no reply is sniffed for what it is not."""
    page = await house.http.get(f"{house.url}/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        *((None, 101), ("http://{}", 101), ("https://{}", 101), ("https://evil.example", 403), ("null", 403)),
        *(("{}", 403), ("https://{}.evil.example", 403), ("https://evil.example/?{}", 403)),
    ],
)
async def test_a_page_of_another_site_opens_no_websocket(tmp_path: Path, origin: str | None, status: int) -> None:
    """B50: programs send no origin, or that of the host they ask."""
    async with fast_house(tmp_path) as fast:
        host = f"127.0.0.1:{fast.port}"
        headers = {"Origin": origin.format(host)} if origin is not None else {}
        for path in ("/ws/btcusdt@trade", "/ws-api/v3"):
            try:
                async with connect(f"ws://{host}{path}", additional_headers=headers, proxy=None):
                    found = 101
            except InvalidStatus as refused:
                found = refused.response.status_code
            assert found == status, path


async def test_no_page_of_another_site_reads_what_we_answer(house: House) -> None:
    """B50: the answer to a preflight, as to everything, allows no origin."""
    for method in ("OPTIONS", "GET", "POST"):
        reply = await house.http.request(
            method, f"{house.url}/api/v3/account", headers={"Origin": "https://evil.example"}
        )
        assert [name for name in reply.headers if name.startswith("access-control")] == []


async def test_a_browser_carries_nothing_that_would_sign_a_request(house: House) -> None:
    """B51: no cookie is set or read; without key and signature of its own every request is a stranger's."""
    for route in ROUTES:
        reply: Any = await house.http.request(
            route.method, f"{house.url}{route.path}", headers={"Cookie": f"session={house.alice.key.api_key}"}
        )
        assert "set-cookie" not in reply.headers
        if route.security is not Security.NONE:
            assert reply.status_code == 401, route.path


async def test_no_secret_is_part_of_a_url_and_no_reply_is_stored(house: House) -> None:
    """B52: keys go in a header; a key in the query is refused as a parameter that nobody has."""
    alice = house.client(house.alice)
    reply = await alice.signed("GET", "/api/v3/account", apiKey=house.alice.key.api_key)
    assert reply.error[1] == -1104
    assert reply.headers["cache-control"] == "no-store"
    assert (await alice.ask("GET", "/api/v3/time")).headers["cache-control"] == "no-store"
