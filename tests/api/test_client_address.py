"""B22: behind a proxy each client pays for itself; nobody else can say that he is another."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import InvalidStatus
from websockets.trio.client import ClientConnection, connect

from exchange.api.client_address import client_address, line_of
from exchange.api.door_limits import DoorLimits
from exchange.settings import Settings
from tests.api.fast import Fast, fast_house
from tests.api.house import SetClock, running_house

PROXY = "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxy", "client"),
    [
        ("9.9.9.9", [], "", "9.9.9.9"),
        ("9.9.9.9", ["1.1.1.1"], "", "9.9.9.9"),
        ("9.9.9.9", ["1.1.1.1"], PROXY, "9.9.9.9"),
        (PROXY, [], PROXY, PROXY),
        (PROXY, [""], PROXY, PROXY),
        (PROXY, ["1.1.1.1"], PROXY, "1.1.1.1"),
        (PROXY, ["6.6.6.6, 1.1.1.1"], PROXY, "1.1.1.1"),
        (PROXY, ["6.6.6.6", "2001:db8::1"], PROXY, "2001:db8::1"),
        (PROXY, ["x" * 9_000], PROXY, "x" * 45),
        ("::ffff:127.0.0.1", ["1.1.1.1"], PROXY, "1.1.1.1"),
        ("::FFFF:7f00:1", ["1.1.1.1"], "::ffff:127.0.0.1", "1.1.1.1"),
        ("::ffff:127.0.0.2", ["1.1.1.1"], PROXY, "127.0.0.2"),
        ("2001:db8::1", ["::ffff:1.1.1.1"], "2001:0DB8:0::1", "1.1.1.1"),
        ("fe80::1%eth0", ["1.1.1.1"], "fe80::1%eth0", "1.1.1.1"),
    ],
)
def test_only_the_proxy_is_believed_and_only_what_it_saw(
    peer: str, forwarded: list[str], proxy: str, client: str
) -> None:
    assert client_address(peer, forwarded, proxy) == client


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::7", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_all_addresses_of_one_line_of_ipv6_are_counted_as_one(address: str, line: str) -> None:
    assert line_of(address) == line


@pytest.mark.parametrize("proxy", ["", PROXY])
async def test_one_greedy_client_of_a_proxy_shuts_nobody_else_out(tmp_path: Path, proxy: str) -> None:
    settings = Settings(weight_limit_per_minute=10, proxy_address=proxy)
    async with running_house(tmp_path, settings=settings) as house:
        client = house.client()
        greedy, modest = {"X-Forwarded-For": "6.6.6.6"}, {"X-Forwarded-For": "6.6.6.6, 1.1.1.1"}
        for _ in range(30):
            await client.send("GET", "/api/v3/ping", headers=greedy)
        assert (await client.send("GET", "/api/v3/ping", headers=greedy)).status == 418
        status = (await client.send("GET", "/api/v3/ping", headers=modest)).status
        assert status == (200 if proxy else 418)


def through_proxy(fast: Fast, client: str, path: str = "/ws") -> connect:
    """A WebSocket that the proxy opens for `client`."""
    url = f"ws://127.0.0.1:{fast.port}{path}"
    return connect(url, compression=None, proxy=None, additional_headers={"X-Forwarded-For": client})


async def test_each_client_of_a_proxy_has_its_own_share_of_connections(tmp_path: Path) -> None:
    one_each, settings = DoorLimits(connections_per_address=1), Settings(proxy_address=PROXY)
    async with fast_house(tmp_path, limits=one_each, settings=settings) as fast:
        async with through_proxy(fast, "1.1.1.1") as first, through_proxy(fast, "2.2.2.2") as second:
            assert isinstance(first, ClientConnection)
            assert isinstance(second, ClientConnection)
            with pytest.raises(InvalidStatus, match="429"):
                async with through_proxy(fast, "1.1.1.1"):
                    pass
        async with through_proxy(fast, "1.1.1.1"):
            pass


async def test_another_address_of_the_same_line_of_ipv6_has_no_share_of_its_own(tmp_path: Path) -> None:
    """B24: else whoever has one could take every connection that there is."""
    one_each, settings = DoorLimits(connections_per_address=1), Settings(proxy_address=PROXY)
    async with fast_house(tmp_path, limits=one_each, settings=settings) as fast:
        async with through_proxy(fast, "2001:db8::1"), through_proxy(fast, "2001:db8:0:1::1"):
            with pytest.raises(InvalidStatus, match="429"):
                async with through_proxy(fast, "2001:db8::2"):
                    pass
        async with through_proxy(fast, "2001:db8::2"):
            pass


@pytest.mark.parametrize("proxy", ["", PROXY])
async def test_an_address_may_try_to_connect_so_often(tmp_path: Path, proxy: str) -> None:
    """B24: every attempt counts, also one that is refused; each client of the proxy has its own count."""
    settings = Settings(connection_attempts_per_5_minutes=2, proxy_address=proxy)
    async with fast_house(tmp_path, SetClock(), settings=settings) as fast:
        async with through_proxy(fast, "1.1.1.1"):
            pass
        with pytest.raises(InvalidStatus, match="400"):
            async with through_proxy(fast, "1.1.1.1", "/ws/nosuch@stream"):
                pass
        with pytest.raises(InvalidStatus) as caught:
            async with through_proxy(fast, "1.1.1.1"):
                pass
        response = caught.value.response
        words = "Too many connection attempts from IP; current limit is 2 per '5 MINUTE'."
        assert (response.status_code, response.headers["retry-after"]) == (429, "100")
        assert msgspec.json.decode(bytes(response.body or b"")) == {"code": -1034, "msg": words}
        if proxy:
            async with through_proxy(fast, "2.2.2.2"):
                pass
