"""TLS on both doors, with a certificate made for the test; and what is said when the operator's cannot be used."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.trio.client import connect

from exchange.api.door_limits import DoorLimits
from exchange.api.door_tls import tls_context
from exchange.api.gateway import serve_fast_door
from exchange.api.web import serve_main_door
from exchange.settings import Settings, SettingsError
from tests.api.fast import Reader
from tests.api.house import House, running_house

SETTINGS = Settings(tls_certificate="cert.pem", tls_key="key.pem", weight_limit_per_minute=0)
PING = b"GET /api/v3/ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def make_certificate(folder: Path, password: bytes | None = None) -> None:
    """`cert.pem`, signed by itself, for 127.0.0.1, and `key.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an exchange")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, hidden))
    (folder / "key.pem").chmod(0o600)


def trusting(folder: Path) -> ssl.SSLContext:
    """What a client needs to believe that certificate."""
    return ssl.create_default_context(cafile=str(folder / "cert.pem"))


@asynccontextmanager
async def secure(folder: Path, limits: DoorLimits | None = None) -> AsyncIterator[tuple[House, int, int]]:
    """A house with both doors over TLS, and their ports: main and fast."""
    make_certificate(folder)
    context = tls_context(SETTINGS, folder)
    async with running_house(folder) as house, trio.open_nursery() as nursery:
        main, fast = (socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(2))
        main.setblocking(False)
        ports = main.getsockname()[1], fast.getsockname()[1]
        stop = trio.Event()
        await nursery.start(partial(serve_main_door, house.rooms, [main], stop=stop, tls=context))
        await nursery.start(partial(serve_fast_door, house.rooms, [fast], stop, limits, context))
        yield house, *ports
        stop.set()


async def talk(folder: Path, port: int, raw: bytes) -> bytes:
    """All that is answered over TLS to these bytes."""
    stream = await trio.open_ssl_over_tcp_stream("127.0.0.1", port, ssl_context=trusting(folder))
    answer = b""
    with trio.fail_after(120):
        await stream.send_all(raw)
        async for part in stream:
            answer += part
    await stream.aclose()
    return answer


async def test_both_doors_speak_http_over_tls(tmp_path: Path) -> None:
    async with secure(tmp_path) as (_, main, fast):
        for port in (main, fast):
            assert (await talk(tmp_path, port, PING)).startswith(b"HTTP/1.1 200")


async def test_a_websocket_works_over_tls(tmp_path: Path) -> None:
    async with secure(tmp_path) as (house, _, fast):
        url = f"wss://127.0.0.1:{fast}/ws-api/v3"
        async with connect(url, ssl=trusting(tmp_path), compression=None, proxy=None) as peer:
            reader = Reader(peer)
            for number in range(1, 50):
                assert (await reader.ask({"id": number, "method": "ping"}))["id"] == number
            rules = await reader.ask({"id": "all", "method": "exchangeInfo"})
            assert len(rules["result"]["symbols"]) == len(house.rooms.catalogue.markets)


async def test_a_long_answer_and_many_requests_at_once_come_over_whole(tmp_path: Path) -> None:
    many = PING.replace(b"Connection: close\r\n", b"") * 200 + PING
    async with secure(tmp_path) as (_, _, fast):
        assert (await talk(tmp_path, fast, many)).count(b"HTTP/1.1 200") == 201


async def test_who_speaks_plainly_to_a_door_with_tls_is_hung_up_on(tmp_path: Path) -> None:
    async with secure(tmp_path) as (_, main, fast):
        for port in (main, fast):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            with trio.fail_after(120):
                await stream.send_all(PING)
                answer = b""
                try:
                    async for part in stream:
                        answer += part
                except trio.BrokenResourceError:
                    pass  # hung up on before all was read
            assert b"HTTP" not in answer
            await stream.aclose()
        assert (await talk(tmp_path, fast, PING)).startswith(b"HTTP/1.1 200")


async def test_who_does_not_finish_the_handshake_is_let_go(tmp_path: Path) -> None:
    async with secure(tmp_path, DoorLimits(handshake=0.05, farewell=0.05)) as (_, _, fast):
        stream = await trio.open_tcp_stream("127.0.0.1", fast)
        with trio.fail_after(120):
            await stream.send_all(b"\x16\x03\x01")
            assert await stream.receive_some() == b""
        await stream.aclose()


async def test_old_tls_is_refused(tmp_path: Path) -> None:
    async with secure(tmp_path) as (_, _, fast):
        old = trusting(tmp_path)
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        stream = await trio.open_ssl_over_tcp_stream("127.0.0.1", fast, ssl_context=old)
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()
        await trio.aclose_forcefully(stream)


def test_without_settings_there_is_no_tls(tmp_path: Path) -> None:
    assert tls_context(Settings(), tmp_path) is None


def faults(folder: Path, settings: Settings = SETTINGS) -> str:
    with pytest.raises(SettingsError) as caught:
        tls_context(settings, folder)
    return str(caught.value)


def test_one_without_the_other_is_refused(tmp_path: Path) -> None:
    alone = msgspec.structs.replace(SETTINGS, tls_key="")
    assert "both or not at all" in faults(tmp_path, alone)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert f"tls_certificate {tmp_path / 'cert.pem'}: No such file" in faults(tmp_path)


def test_a_key_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    (tmp_path / "key.pem").chmod(0o640)
    assert f"chmod 600 {tmp_path / 'key.pem'}" in faults(tmp_path)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    kept = (tmp_path / "cert.pem").read_bytes()
    make_certificate(tmp_path)
    (tmp_path / "cert.pem").write_bytes(kept)
    assert "cannot be used: KEY_VALUES_MISMATCH" in faults(tmp_path)


def test_a_key_with_a_password_is_refused(tmp_path: Path) -> None:
    make_certificate(tmp_path, b"secret")
    assert "encrypted with a password" in faults(tmp_path)


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    (tmp_path / "cert.pem").write_text("hello")
    assert "cannot be used" in faults(tmp_path)
