"""The demo: what it furnishes, once; what it says first; and that it stays out of folders of real money."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import trio

from exchange import cli
from exchange.app import init_folder
from exchange.clock import SystemClock
from exchange.core.units import AccountId
from exchange.demo.flow import Flow, recording
from exchange.demo.furnished import FLOW_ACCOUNTS, Demo, flow_name
from exchange.demo.maker import LEVELS
from exchange.ledger import db
from exchange.ledger.queries import Queries
from exchange.ledger.reconcile import verify
from exchange.sequencer import Sequencer
from exchange.settings import SettingsError, load
from tests.faults.server import Running, demo
from tests.ledger.busy import sequencing

PURSE = {"BTC": "100.00000000", "ETH": "1000.00000000", "USDT": "10000000.00000000"}


async def purses(server: Running) -> list[dict[str, str]]:
    """What alice and bob have, free and unlocked."""
    found = []
    for number in (0, 1):
        client = server.client(number)
        account = await client.signed("GET", "/api/v3/account", omitZeroBalances="true")
        assert all(float(one["locked"]) == 0 for one in account["balances"])
        found.append({one["asset"]: one["free"] for one in account["balances"]})
        await client._drop()
    return found


async def depth(server: Running, symbol: str) -> tuple[int, int]:
    """How many levels there are, bids and asks."""
    client = server.client(0)
    _, body = await client._exchange("GET", f"/api/v3/depth?symbol={symbol}")
    await client._drop()
    book = msgspec.json.decode(body)
    return len(book["bids"]), len(book["asks"])


async def test_a_bare_demo_is_two_exact_purses_and_two_empty_books_however_often_it_starts(tmp_path: Path) -> None:
    """The second start finds the same keys and credits nothing again."""
    keys = set()
    for _ in range(2):
        async with demo(tmp_path / "data", "--bare") as server:
            keys.add(tuple((account.name, account.secret) for account in server.ready.accounts))
            assert await purses(server) == [PURSE, PURSE]
            for symbol in ("BTCUSDT", "ETHUSDT"):
                assert await depth(server, symbol) == (0, 0)
            server.process.terminate()
            assert await server.process.wait() == 0
            assert server.process.stdout is not None
            assert await server.process.stdout.receive_some() == b""
    assert len(keys) == 1
    assert [name for name, _ in keys.pop()] == ["alice", "bob"]


async def test_the_house_makers_book_is_full_when_the_demo_is_ready_and_after_a_restart(tmp_path: Path) -> None:
    """Before anybody can look; the second life keeps what rests and does not double it."""
    for _ in range(2):
        async with demo(tmp_path / "data", "--quiet-market") as server:
            for symbol in ("BTCUSDT", "ETHUSDT"):
                assert min(await depth(server, symbol)) >= LEVELS - 2  # where the middle stood, a place may be taken
            server.process.terminate()
            assert await server.process.wait() == 0
    connection = db.open_reader(tmp_path / "data" / "ledger.db")
    resting = "SELECT count(*), count(DISTINCT price * 10 + side) FROM orders WHERE status <= 2 GROUP BY market"
    for orders, places in connection.execute(resting):
        assert orders == places
    connection.close()
    verify(tmp_path / "data" / "ledger.db", lambda done, total: None)


def test_a_folder_of_real_money_is_no_demos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is credited there, and nobody becomes its operator by a slip of the fingers."""
    init_folder(tmp_path / "data", SystemClock())
    before = (tmp_path / "data" / "ledger.db").read_bytes()
    assert cli.main(["demo", "--dir", str(tmp_path / "data"), "--port", "0", "--fast-port", "0"]) == 1
    assert "is not a demo's folder" in capsys.readouterr().err
    assert (tmp_path / "data" / "ledger.db").read_bytes() == before


@pytest.mark.parametrize(
    "options",
    [
        *(["--port", "70000"], ["--fast-port", "-1"], ["--speed", "0"], ["--weight-limit", "-1"]),
        *(["--no-mining"], ["--bare", "--speed", "30"], ["--quiet-market", "--speed", "2"]),
    ],
)
def test_options_out_of_range_or_in_vain_make_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    """Told before a folder is made."""
    assert cli.main(["demo", "--dir", str(tmp_path / "data"), *options]) != 0
    assert "Nothing was started" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_the_folders_settings_hold_unless_the_command_line_says_otherwise(tmp_path: Path) -> None:
    """None is read and then ignored; what a demo cannot honour is refused."""
    made = Demo(tmp_path, bare=True, flow=False, speed=1, as_json=True)
    toml = tmp_path / "exchange.toml"
    toml.write_text("demo = true\nhttp_port = 7001\nfast_port = 7002\nweight_limit_per_minute = 77\n")
    set_, told = made.settings(None, None, None), made.settings(1, 2, 3)
    assert (set_.http_port, set_.fast_port, set_.weight_limit_per_minute) == (7001, 7002, 77)
    assert (told.http_port, told.fast_port, told.weight_limit_per_minute) == (1, 2, 3)
    toml.write_text('demo = true\nhost = "0.0.0.0"\n')
    with pytest.raises(SettingsError, match=r"not 0\.0\.0\.0\. Nothing was started"):
        made.settings(None, None, None)


def test_a_demos_folder_stays_one_when_it_is_served_without_the_demo(tmp_path: Path) -> None:
    """Its own settings say so."""
    made = Demo(tmp_path / "data", bare=True, flow=False, speed=1, as_json=True)
    made.prepare(made.settings(0, 0, 0))
    assert load(tmp_path / "data").demo


def furnished_for_flow(folder: Path) -> Path:
    """A demo's folder with the accounts of the recorded flow."""
    made = Demo(folder, bare=True, flow=True, speed=10_000, as_json=True)
    made.prepare(made.settings(0, 0, 0))
    return folder / "ledger.db"


async def play(sequencer: Sequencer, path: Path, orders: int) -> tuple[int, int]:
    """Let the flow run until that many orders were placed; where it would go on."""
    queries = Queries(path)
    state = sequencer.state
    accounts = [AccountId(state.names[flow_name(number)]) for number in range(FLOW_ACCOUNTS)]
    flow = Flow(sequencer, queries, accounts, state.symbols["BTCUSD"], 10_000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flow.run)
        while await sequencer.read(lambda state: state.next_order) <= orders:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    await sequencer.read(lambda state: None)
    position = await flow._position()
    queries.close()
    return position


def test_the_flow_goes_on_at_the_line_where_it_stopped(tmp_path: Path) -> None:
    """Two stops in the middle: no line is placed twice, and none is left out."""
    path = furnished_for_flow(tmp_path / "data")
    rows = recording()
    positions: list[tuple[int, int]] = []

    async def two_lives() -> None:
        for orders in (700, 1_400):
            async with sequencing(path, SystemClock()) as sequencer:
                positions.append(await play(sequencer, path, orders))

    trio.run(two_lives)
    connection = db.open_reader(path)
    placed = [client_id for (client_id,) in connection.execute("SELECT client_id FROM orders ORDER BY id")]
    connection.close()
    lines = [int(client_id.split("-")[2]) for client_id in placed]
    assert lines == sorted(set(lines))
    assert positions[-1] == (1, lines[-1] + 1)
    placeable = [number for number, row in enumerate(rows[: lines[-1] + 1]) if not row.cancels and row.amount]
    assert lines == placeable
