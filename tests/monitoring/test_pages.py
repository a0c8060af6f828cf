"""/live, /ready and /metrics of a running house."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import msgspec
import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from exchange.chain_settings import ChainSettings
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.units import Micros
from exchange.ops.listener import Page, serve_pages
from tests.monitoring.house import SETTINGS, monitored


def values(page: str) -> dict[str, float]:
    """Every sample of a page of metrics, by its name and labels."""
    families = text_string_to_metric_families(page)
    samples = [sample for family in families for sample in family.samples]
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sample.labels.items()): sample.value
        for sample in samples
    }


async def test_a_running_house_is_live_and_ready(tmp_path: Path) -> None:
    async with monitored(tmp_path / "data") as (_, _, client):
        assert (await client.get("/live")).text == "live\n"
        ready = await client.get("/ready")
        assert ready.status_code == 200
        said = {"started": "ok", "ledger": "ok", "disk": "ok", "clock": "ok"}
        assert ready.json() == {"ready": True, "checks": said, "chains": {}}


async def test_what_cannot_take_orders_is_not_ready_and_says_why(tmp_path: Path) -> None:
    """Here for want of disk space."""
    settings = msgspec.structs.replace(SETTINGS, free_disk_reserve_mib=1 << 40)
    async with monitored(tmp_path / "data", settings) as (house, _, client):
        with trio.fail_after(60):
            while not house.sequencer.storage_low:
                await trio.lowlevel.checkpoint()
        ready = await client.get("/ready")
        assert ready.status_code == 503
        assert "free_disk_reserve_mib" in ready.json()["checks"]["disk"]
        found = values((await client.get("/metrics")).text)
        assert found["exchange_ready"] == 0
        assert found["exchange_check_ok check=disk"] == 0
        assert found["exchange_check_ok check=ledger"] == 1


class Turned(SystemClock):
    """A clock that can be set."""

    by = 0

    def now(self) -> Micros:
        return Micros(super().now() + self.by)


async def test_a_clock_set_back_behind_the_ledger_is_not_ready(tmp_path: Path) -> None:
    clock = Turned()
    async with monitored(tmp_path / "data", clock=clock) as (house, _, client):
        await house.sequencer.call(co.OpenAccount("ann"))
        clock.by = -3_600_000_000
        ready = await client.get("/ready")
        assert ready.status_code == 503
        assert "it was set back" in ready.json()["checks"]["clock"]


async def test_a_chain_that_is_late_is_told_and_shuts_nothing_else(tmp_path: Path) -> None:
    chain = ChainSettings(family="bitcoin", parameters="bitcoin-regtest", rpc_url="http://127.0.0.1:9")
    settings = msgspec.structs.replace(SETTINGS, chains={"BTC": chain})
    async with monitored(tmp_path / "data", settings) as (_, _, client):
        ready = await client.get("/ready")
        assert ready.status_code == 200
        assert ready.json()["ready"] is True
        assert ready.json()["chains"]["BTC"] != "ok"
        found = values((await client.get("/metrics")).text)
        assert found["exchange_chain_state chain=BTC state=following"] == 0
        assert found["exchange_chain_height chain=BTC"] == 0


async def test_metrics_tell_what_was_done(tmp_path: Path) -> None:
    """Orders of the ledger's whole life, acknowledgements and commits of this process's."""
    async with monitored(tmp_path / "data") as (house, doors, client):
        before = values((await client.get("/metrics")).text)
        for name in ("ann", "bob"):
            assert (await house.sequencer.call(co.OpenAccount(name))).reject is None
        async with httpx.AsyncClient(timeout=60) as trader:
            for door in (doors.http, doors.fast):
                assert (await trader.get(f"{door}/api/v3/depth?symbol=NONE")).status_code == 400
            after = values((await client.get("/metrics")).text)
        assert after["exchange_accounts"] == before["exchange_accounts"] + 2
        assert after["exchange_commits_total"] == before["exchange_commits_total"] + 2
        assert after["exchange_commit_latency_seconds_count"] == before["exchange_commit_latency_seconds_count"] + 2
        assert after["exchange_refusals_total code=-1121"] == 2
        assert after["exchange_open_sockets door=main"] == 1
        assert after["exchange_open_sockets door=fast"] == 1
        assert after["exchange_disk_free_bytes"] <= shutil.disk_usage(tmp_path).total
        assert after["process_open_fds"] > 0
        assert after["exchange_backup_time_seconds"] == after["exchange_drill_time_seconds"] == 0


async def test_what_is_no_page_is_refused_by_name(tmp_path: Path) -> None:
    async with monitored(tmp_path / "data") as (_, _, client):
        nowhere = await client.get("/secrets")
        assert (nowhere.status_code, nowhere.text) == (
            404,
            "there is nothing here. There are: /live, /ready, /metrics\n",
        )
        assert (await client.post("/live")).status_code == 405
        assert (await client.head("/ready")).content == b""


async def test_the_pages_are_never_served_beyond_loopback() -> None:
    listener = (await trio.open_tcp_listeners(0, host="0.0.0.0"))[0]  # noqa: S104  # it is refused
    async with listener:
        with pytest.raises(ValueError, match="for loopback alone"):
            await serve_pages({}, listener)


async def test_a_page_that_fails_says_so_and_the_next_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken() -> Page:
        raise ZeroDivisionError

    async def whole() -> Page:
        return Page(200, b"well")

    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_pages, {"/broken": broken, "/whole": whole}, listener)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            assert (await client.get("/broken")).status_code == 500
            assert (await client.get("/whole")).text == "well"
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(b"\x00nonsense\r\n\r\n")
        assert await stream.receive_some() == b""
        await stream.aclose()
        nursery.cancel_scope.cancel()
    assert "ZeroDivisionError" in capsys.readouterr().out
