"""cryptofeed, which takes no address but `wss://`, against a fast door that speaks TLS with a certificate made here."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
import trio

from exchange.core.orders import Side
from tests.api.fast import fast_house
from tests.clients import environments
from tests.clients.compatibility import compare, faults
from tests.clients.driving import drive, python
from tests.clients.test_sweeps import go_on_trading


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1, and a door's context that shows it."""
    chain, key = folder / "chain.pem", folder / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(made, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return chain, context


@pytest.mark.nightly  # its environment takes a compiler and a minute to make
async def test_cryptofeed_keeps_a_book_and_hears_all_else_over_tls(tmp_path: Path) -> None:
    there = await trio.to_thread.run_sync(environments.interpreter, "cryptofeed")
    chain, context = certificate(tmp_path)
    async with fast_house(tmp_path, tls=context) as fast, trio.open_nursery() as nursery:
        await fast.limit(fast.house.bob, Side.SELL, 3_010_000, 100_000)
        await fast.limit(fast.house.bob, Side.BUY, 2_990_000, 100_000)
        nursery.start_soon(go_on_trading, fast)
        command = python("cryptofeed_feed", interpreter=there)
        verdicts = await drive(fast, fast.house.alice, *command, trusted=str(chain))
        nursery.cancel_scope.cancel()
    assert faults(verdicts) == {}
    compare(f"cryptofeed {environments.version('cryptofeed')}: Binance feed", verdicts)
