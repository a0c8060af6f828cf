"""B40 at the real process: its secrets are looked for in all that it writes, says and tells those who watch."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import httpx
import trio

from exchange.clock import SystemClock
from exchange.doctor.examination import examine
from tests.faults.server import SYMBOL, demo

SECONDS = 240


async def test_b40_a_running_server_keeps_its_secrets_out_of_logs_errors_and_metrics(tmp_path: Path) -> None:
    """B40: API secrets, signatures and the master key, after good requests, refused ones and nonsense at every door."""
    with trio.fail_after(SECONDS):
        async with demo(tmp_path / "data", "--bare") as server:
            alice = server.ready.accounts[0]
            said = bytearray()
            signatures = []
            async with httpx.AsyncClient(timeout=60) as http:
                for door in (server.ready.http, server.ready.fast):
                    for query in (
                        f"symbol={SYMBOL}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=25000",
                        f"symbol={SYMBOL}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=nonsense&price=25000",
                        f"{alice.secret}=1",
                    ):
                        stamped = f"{query}&timestamp={SystemClock().now() // 1000}"
                        signature = hmac.new(alice.secret.encode(), stamped.encode(), hashlib.sha256).hexdigest()
                        signatures.append(signature)
                        url = f"{door}/api/v3/order?{stamped}&signature={signature}"
                        await http.post(url, headers={"X-MBX-APIKEY": alice.api_key})
                        await http.post(url.replace(signature, signature[::-1]), headers={"X-MBX-APIKEY": alice.secret})
                    await http.get(f"{door}/{alice.secret}")
                for page in ("live", "ready", "metrics", alice.secret):
                    reply = await http.get(f"{server.ready.ops}/{page}")
                    said += reply.content + str(reply.headers).encode()
            findings = await examine(tmp_path / "data", SystemClock())
            said += "".join(one.said + one.todo for one in findings).encode()
            server.process.terminate()
            assert await server.process.wait() == 0
    said += await trio.Path(tmp_path / "stderr.txt").read_bytes()
    key = (await trio.Path(tmp_path / "data" / "keystore" / "master.key").read_text()).strip()
    assert b'"event": "refused"' in said
    assert b"exchange_refusals_total" in said
    for secret in (*(account.secret for account in server.ready.accounts), *signatures, key):
        assert secret.encode() not in said
        assert bytes.fromhex(key) not in said
