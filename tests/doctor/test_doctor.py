"""What the doctor finds in a folder that is well, and in one with each fault planted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import trio

from exchange import cli
from exchange.app import init_folder, offline, open_house
from exchange.backup.drill import Report
from exchange.backup.names import CopyName
from exchange.backup.standing import Noted, write_noted
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.units import AccountId, Micros, Seq
from exchange.doctor import contents, machine
from exchange.doctor.examination import examine
from exchange.doctor.finding import Finding
from exchange.office.keys import Scope
from exchange.settings import Settings
from tests.monitoring.house import SETTINGS, monitored

DAY = contents.DAY
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_folder(tmp_path / "data", SystemClock())
    return tmp_path / "data"


class Later(SystemClock):
    """So many days from now."""

    def __init__(self, days: int) -> None:
        self.by = days * DAY

    def now(self) -> Micros:
        return Micros(super().now() + self.by)


def contents_of(folder: Path) -> dict[Path, bytes]:
    """What is in every file that is not SQLite's own scratch."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal"))]
    return {path: path.read_bytes() for path in files}


async def found(folder: Path, days: int = 0) -> dict[str, Finding]:
    return {one.check: one for one in await examine(folder, Later(days), ())}


async def test_a_new_folder_has_no_fault_and_nothing_is_changed(folder: Path) -> None:
    before = contents_of(folder)
    said = await found(folder)
    assert [one for one in said.values() if one.verdict == "fault"] == []
    assert {one.verdict for name, one in said.items() if name in {"ledger", "permissions", "master key"}} == {"ok"}
    assert contents_of(folder) == before
    assert all(one.todo.strip() for one in said.values() if one.verdict != "ok")


async def test_it_works_beside_a_running_server(folder: Path) -> None:
    with open_house(folder, Settings(), SystemClock()):
        assert (await found(folder))["ledger"].verdict == "ok"


def opened_to_others(folder: Path) -> None:
    (folder / "office.db").chmod(0o644)


def lost_key(folder: Path) -> None:
    (folder / "keystore" / "master.key").unlink()


def damaged_ledger(folder: Path) -> None:
    (folder / "ledger.db").write_bytes(b"nonsense" * 1_000)


def no_office(folder: Path) -> None:
    (folder / "office.db").write_bytes(b"nonsense" * 1_000)


def scheduled(folder: Path, backup_days: int, drill_days: int) -> None:
    """A schedule whose newest backup and drill are so old."""
    place, now = folder.parent / "backups", SystemClock().now()
    place.mkdir()
    (folder / "exchange.toml").write_text(f'[backup]\nfolder = "{place}"\nkey_file = "{folder.parent}/backup.key"\n')
    (place / CopyName("full", Micros(now - backup_days * DAY), Seq(1), "0" * 64).text).touch()
    note = Noted({"segment": Micros(now)})
    write_noted(folder, note)
    report = Report(Micros(now - drill_days * DAY), good=True, words="", backup="", took_seconds=1, program="0")
    (folder / "drills").mkdir()
    (folder / "drills" / "drill-1.json").write_bytes(msgspec.json.encode(report))


def old_backup(folder: Path) -> None:
    scheduled(folder, 3, 1)


def old_drill(folder: Path) -> None:
    scheduled(folder, 0, 9)


def unknown_setting(folder: Path) -> None:
    (folder / "exchange.toml").write_text("colour = 1\n")


def dead_node(folder: Path) -> None:
    text = '[chains.BTC]\nfamily = "bitcoin"\nparameters = "bitcoin-regtest"\nrpc_url = "http://127.0.0.1:9"\n'
    (folder / "exchange.toml").write_text(text)


def huge_reserve(folder: Path) -> None:
    (folder / "exchange.toml").write_text("free_disk_reserve_mib = 1000000000\n")


@pytest.mark.parametrize(
    ("plant", "check", "said"),
    [
        (opened_to_others, "permissions", "others may read or write office.db"),
        (lost_key, "master key", "no master key can be read"),
        (damaged_ledger, "ledger", "the ledger cannot be read"),
        (no_office, "api keys", "office.db cannot be read"),
        (old_backup, "backups", "the newest full backup is 3 days old"),
        (old_drill, "backups", "the last good restore drill is 9 days old"),
        (unknown_setting, "settings", "unknown key 'colour'"),
        (dead_node, "node BTC", "it does not answer"),
        (huge_reserve, "disk", "less than free_disk_reserve_mib"),
    ],
)
async def test_each_planted_fault_is_found_with_what_to_do(
    folder: Path, plant: Callable[[Path], None], check: str, said: str
) -> None:
    plant(folder)
    one = (await found(folder))[check]
    assert one.verdict == "fault"
    assert said in one.said
    assert one.todo


async def test_a_schedule_that_is_kept_is_well(folder: Path) -> None:
    scheduled(folder, 0, 1)
    assert (await found(folder))["backups"].verdict == "ok"


async def test_b57_a_signer_under_the_servers_user_is_told_and_one_that_is_missing_is_a_fault(folder: Path) -> None:
    """B57: where there is no wallet, nothing is said of it."""
    assert "signer" not in await found(folder)
    (folder / "signer").mkdir(mode=0o700)
    (folder / "signer" / "vault.json").touch(mode=0o600)
    assert (await found(folder))["signer"].verdict == "warning"
    (folder / "exchange.toml").write_text(f'signer_socket = "{folder}/signer.sock"\n')
    assert (await found(folder))["signer"].verdict == "fault"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "signer.sock"))
        assert (await found(folder))["signer"].verdict == "ok"


async def test_a_running_server_says_itself_whether_it_is_ready(tmp_path: Path) -> None:
    """On ops_port; where nobody answers there, or nobody was told the port, that is said."""
    settings = msgspec.structs.replace(SETTINGS, free_disk_reserve_mib=0)
    async with monitored(tmp_path / "data", settings) as (house, doors, _):
        port = int(doors.ops.rpartition(":")[2])
        (tmp_path / "data" / "exchange.toml").write_text(f"ops_port = {port}\n")
        assert (await found(house.folder))["server"].verdict == "ok"
    gone = (await found(house.folder))["server"]
    assert (gone.verdict, f"no server answers on port {port}" in gone.said) == ("warning", True)


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    (one,) = machine.sync_speed(tmp_path / "none")
    assert (one.verdict, "nothing can be written" in one.said) == ("fault", True)


async def test_keys_that_nobody_uses_are_told_two_weeks_ahead(folder: Path) -> None:
    with open_house(folder, Settings(), SystemClock()) as house:
        house.keyring.create(AccountId(100), frozenset({Scope.READ}), "hmac")
    assert (await found(folder, 70))["api keys"].verdict == "ok"
    assert "1 API keys end within 14 days" in (await found(folder, 80))["api keys"].said


async def test_a_certificate_that_ends_soon_is_told_and_one_that_ended_is_a_fault(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=localhost", "-days", "30", "-keyout", str(folder / "key.pem")]
    await trio.run_process([*command, "-out", str(folder / "cert.pem")], capture_stdout=True, capture_stderr=True)
    (folder / "key.pem").chmod(0o600)
    (folder / "exchange.toml").write_text('tls_certificate = "cert.pem"\ntls_key = "key.pem"\n')
    said = [(await found(folder, days))["certificate"] for days in (0, 20, 31)]
    assert [one.verdict for one in said] == ["ok", "warning", "fault"]
    (folder / "key.pem").chmod(0o644)
    assert (await found(folder))["certificate"].verdict == "fault"


async def test_a_clock_behind_the_ledger_is_a_fault(folder: Path) -> None:
    async with offline(folder, Settings(), SystemClock()) as house:
        await house.sequencer.call(co.OpenAccount("ann"))
    assert (await found(folder))["clock"].verdict == "ok"
    behind = (await found(folder, -1))["clock"]
    assert (behind.verdict, "seconds behind the ledger's last event" in behind.said) == ("fault", True)


def test_a_unit_without_a_watchdog_is_told(tmp_path: Path) -> None:
    unit = tmp_path / "exchange.service"
    unit.write_text("[Service]\nType=notify\n")
    (one,) = machine.watchdog((unit,))
    assert (one.verdict, "lacks WatchdogSec=" in one.said) == ("warning", True)
    config = Path(__file__).parents[2] / "config" / "exchange.service"
    assert [one.verdict for one in machine.watchdog((config,))] == ["ok"]


def test_the_exit_status_tells_whether_there_is_a_fault(folder: Path, capsys: Capture) -> None:
    """In words for people, in JSON for programs."""
    assert cli.main(["doctor", "--dir", str(folder)]) == 0
    assert "0 faults" in capsys.readouterr().out
    damaged_ledger(folder)
    assert cli.main(["doctor", "--dir", str(folder), "--json"]) == 1
    told = msgspec.json.decode(capsys.readouterr().out, type=list[Finding])
    assert [one.check for one in told if one.verdict == "fault"] == ["ledger"]


async def test_what_is_no_data_folder_is_a_fault(tmp_path: Path) -> None:
    (one,) = await examine(tmp_path / "none", SystemClock())
    assert (one.verdict, one.check) == ("fault", "folder")
