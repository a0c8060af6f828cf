"""Signatures hold over the bytes as received, by either kind of key, within the time window."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from exchange.api.auth import payload_of, read_window, verify
from exchange.api.errors import Refused
from exchange.core.units import AccountId, Micros
from exchange.office.keys import ApiKey, NewKey
from exchange.office.proofs import Mac
from exchange.office.uses import Use
from tests.api.house import TRADE, Client, House, SetClock, query, running_house

ORDER = "/api/v3/order"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# The example of the dialect's own documentation.
SECRET = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PLAIN = (
    b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
)
SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def test_the_documented_example_verifies_and_no_other_does() -> None:
    use = Use(Micros(0), Micros(0))
    key = ApiKey("k", AccountId(100), TRADE, "hmac", "", Micros(0), use, secret=SECRET, mac=Mac(SECRET))
    assert verify(key, PLAIN, SIGNATURE)
    assert verify(key, PLAIN, SIGNATURE.upper())
    assert not verify(key, PLAIN + b"0", SIGNATURE)
    assert not verify(key, PLAIN, SIGNATURE[:-1])
    assert not verify(key, PLAIN, "é" * 64)


@pytest.mark.parametrize(
    ("in_query", "in_body", "signed"),
    [
        (b"a=1&signature=x", b"", b"a=1"),
        (b"", b"a=1&signature=x", b"a=1"),
        (b"a=1", b"b=2&signature=x", b"a=1b=2"),
        (b"a=1&signature=x", b"b=2", b"a=1b=2"),
        (b"signature=x", b"b=2", b"b=2"),
        (b"a=1&signature=x&b=%20", b"", b"a=1&b=%20"),
        (b"a=1&mysignature=x", b"", b"a=1&mysignature=x"),
    ],
)
def test_what_is_signed_is_query_and_body_without_the_signature(in_query: bytes, in_body: bytes, signed: bytes) -> None:
    assert payload_of(in_query, in_body) == signed


@pytest.mark.parametrize(
    ("text", "micros"), [("", 5_000_000), ("60000", 60_000_000), ("6000.346", 6_000_346), ("0", 0)]
)
def test_a_window_is_read_in_milliseconds_with_fractions(text: str, micros: int) -> None:
    assert read_window(text) == micros


@pytest.mark.parametrize("text", ["60000.001", "1.2345", "-1", "1e3", "x", "9" * 9])
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_window(text)


async def test_query_body_and_both_are_signed_alike(house: House) -> None:
    alice = house.client(house.alice)
    for in_query, in_body in (("q", ""), ("", "b"), ("q", "b")):
        stamp = house.rooms.clock.now() // 1000
        parts = [f"symbol=BTCUSDT&side=BUY&type=LIMIT&timestamp={stamp}", "timeInForce=GTC&quantity=1&price=29000"]
        if not (in_query and in_body):
            parts = ["&".join(parts), ""] if in_query else ["", "&".join(parts)]
        signature = alice.sign("".join(parts)).rpartition("&")[2]
        sent_body = f"{parts[1]}&{signature}" if parts[1] else ""
        sent_query = parts[0] if parts[1] else f"{parts[0]}&{signature}"
        reply = await alice.send("POST", ORDER, sent_query, sent_body.encode(), FORM)
        assert reply.status == 200, reply


async def test_an_ed25519_key_signs_too(house: House) -> None:
    signer = SigningKey.generate()
    der = bytes.fromhex("302a300506032b6570032100") + bytes(signer.verify_key)
    pem = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    key = house.rooms.keyring.create(house.alice.account, TRADE, "ed25519", pem)
    client = house.client(key=key)
    payload = query({"timestamp": house.rooms.clock.now() // 1000, "omitZeroBalances": "true"})
    signature = base64.b64encode(signer.sign(payload.encode()).signature).decode()
    good = f"{payload}&{query({'signature': signature})}"
    assert (await client.send("GET", "/api/v3/account", good)).status == 200
    assert (await client.send("GET", "/api/v3/account", good.replace("true", "false"))).error[1] == -1022
    assert (await client.send("GET", "/api/v3/account", f"{payload}&signature=AAAA")).error[1] == -1022


async def test_a_timestamp_may_be_in_microseconds(house: House) -> None:
    alice = house.client(house.alice)
    assert (await alice.signed("GET", "/api/v3/account", timestamp=house.rooms.clock.now())).status == 200


@pytest.mark.parametrize(
    ("ahead", "window", "accepted"),
    [
        (999, None, True),
        (1_000, None, False),
        (-5_000, None, True),
        (-5_001, None, False),
        (-60_000, "60000", True),
        (-60_001, "60000", False),
        (-10, "9.999", False),
        (0, "0", True),
    ],
)
async def test_the_window_opens_and_closes_to_the_millisecond(
    tmp_path: Path, ahead: int, window: str | None, accepted: bool
) -> None:
    clock = SetClock()
    async with running_house(tmp_path, clock) as house:
        more = {"recvWindow": window} if window is not None else {}
        sent: dict[str, object] = {"timestamp": clock.now() // 1000 + ahead, **more}
        reply = await house.client(house.alice).signed("GET", "/api/v3/account", **sent)
        assert (reply.status == 200) is accepted


async def test_a_signature_on_an_open_endpoint_is_checked_all_the_same(house: House) -> None:
    alice = house.client(house.alice)
    assert (await alice.signed("GET", "/sapi/v1/margin/allPairs")).json == []
    thief = Client(house, NewKey(house.alice.key.api_key, "wrong", house.alice.key.key))
    assert (await thief.signed("GET", "/sapi/v1/margin/allPairs")).error[1] == -1022


async def test_a_signature_where_a_key_would_do_is_checked_all_the_same(house: House) -> None:
    alice = house.client(house.alice)
    assert (await alice.signed("POST", "/api/v3/userDataStream")).status == 200
    stamped = f"timestamp={house.rooms.clock.now() // 1000}&signature={'0' * 64}"
    assert (await alice.send("POST", "/api/v3/userDataStream", stamped)).error[:2] == (400, -1022)
