"""A backup as a file or through a command: whole, private, consistent; or not there at all."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from exchange.backup.contents import named_by_settings
from exchange.backup.fault import BackupFault
from exchange.backup.making import back_up_into, back_up_through
from exchange.backup.packing import unpack
from exchange.settings import Settings
from tests.backup.furnished import NO_RESERVE, Furnished, furnish, quiet
from tests.ledger.busy import tamper

FLIPS = 200


async def test_a_backup_holds_what_a_restore_needs_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    """Ledger, people, chains, master key, settings and the deny-list; not the signer's folder, not the backup key."""
    here = await furnish(tmp_path)
    (here.folder / "signer").mkdir()
    (here.folder / "signer" / "vault.json").write_text("{}")
    before = {path.name for path in here.folder.iterdir()}
    backup = here.back_up()
    assert [path.name for path in here.backups.iterdir()] == [backup.name]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in here.folder.iterdir()} - before <= {"office.db-shm", "office.db-wal"} | {
        f"{name}.db{end}" for name in ("ledger", "custody") for end in ("-shm", "-wal")
    }
    with backup.open("rb") as file:
        manifest = unpack(file, backup.name, here.key, tmp_path / "plain", quiet)
    small = {"exchange.toml", "deny.txt", "keystore/master.key", "ledger.head", "trail.head"}
    assert set(manifest.files) == small | {"ledger.db", "office.db", "custody.db"}
    for name in ("exchange.toml", "deny.txt", "keystore/master.key", "ledger.head"):
        assert (tmp_path / "plain" / name).read_bytes() == (here.folder / name).read_bytes(), name


async def test_every_flipped_bit_and_every_truncation_of_a_backup_is_found(tmp_path: Path) -> None:
    """200 of each, anywhere in a real one."""
    here = await furnish(tmp_path, commands=50)
    backup, dice = here.back_up(), random.Random(1)
    content, found = backup.read_bytes(), 0
    for number in range(FLIPS):
        flipped = bytearray(content)
        flipped[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        for damaged in (bytes(flipped), content[: dice.randrange(len(content))]):
            backup.write_bytes(damaged)
            with backup.open("rb") as file, pytest.raises(BackupFault):
                unpack(file, backup.name, here.key, tmp_path / f"plain{number}-{found}", quiet)
            found += 1
    assert found == 2 * FLIPS


async def test_a_command_takes_the_backup_and_is_told_its_name(tmp_path: Path) -> None:
    """What it got is what a file would have been."""
    here = await furnish(tmp_path, commands=50)
    common = (here.folder, NO_RESERVE, here.key, here.clock, quiet)
    name = back_up_through(f'cat > "{here.backups}/$EXCHANGE_BACKUP_NAME"', *common)
    assert here.restore(here.backups / name.text, "new").rebuilt.manifest.ledger.seq == name.seq


@pytest.mark.parametrize("command", ["cat > /dev/null; exit 3", "head -c 1000 > /dev/null", "cat > /dev/full"])
async def test_a_command_that_fails_or_takes_too_little_is_a_failed_backup(tmp_path: Path, command: str) -> None:
    here = await furnish(tmp_path, commands=50)
    with pytest.raises(BackupFault, match="This backup does not count"):
        back_up_through(command, here.folder, NO_RESERVE, here.key, here.clock, quiet)


async def test_a_disk_that_takes_no_more_leaves_no_half_file(tmp_path: Path) -> None:
    """The kernel refuses the write in the midst of it; the command says so and exits 1."""
    here = await furnish(tmp_path, commands=50)
    largest = max(path.stat().st_size for path in here.folder.glob("*.db"))
    whole = here.back_up()
    assert whole.stat().st_size > largest + 100_000
    whole.unlink()
    command = f"ulimit -f {largest // 1024 + 50}; exec {sys.executable} -m exchange backup --dir {here.folder}"
    argv = ["bash", "-c", f"{command} --to {here.backups} --key-file {tmp_path / 'backup.key'}"]
    done = await trio.run_process(argv, capture_stderr=True, check=False)
    assert done.returncode == 1, done.stderr
    assert b"no backup was written (File too large). No half file was left behind." in done.stderr
    assert list(here.backups.iterdir()) == []
    assert not list(here.folder.glob("*.scratch"))


async def test_copies_never_take_the_room_that_trading_has_in_reserve(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    huge = Settings(free_disk_reserve_mib=1 << 40)
    with pytest.raises(BackupFault, match=r"Nothing was done\. Make room"):
        back_up_into(here.backups, here.folder, huge, here.key, here.clock, quiet)


async def test_a_folder_that_is_not_mounted_is_not_made_up(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    with pytest.raises(BackupFault, match="Is its disk mounted"):
        back_up_into(tmp_path / "none", here.folder, NO_RESERVE, here.key, here.clock, quiet)
    assert not (tmp_path / "none").exists()


def cut_journal(here: Furnished) -> None:
    tamper(here.ledger, "DELETE FROM journal WHERE first_seq = (SELECT max(first_seq) FROM journal)")


def spoil_page(here: Furnished) -> None:
    content = bytearray(here.ledger.read_bytes())
    content[4096 * 5 + 100] ^= 1
    here.ledger.write_bytes(content)


def cut_trail(here: Furnished) -> None:
    (here.folder / "trail.head").write_text('{"seq":9,"hash":"00"}')


def lose_key(here: Furnished) -> None:
    (here.folder / "keystore" / "master.key").unlink()


@pytest.mark.parametrize("damage", [cut_journal, spoil_page, cut_trail, lose_key])
async def test_a_damaged_folder_is_not_backed_up(tmp_path: Path, damage: Callable[[Furnished], None]) -> None:
    """A journal or a trail cut short, a page that differs, a master key that is gone: said, and no file made."""
    here = await furnish(tmp_path, commands=100)
    damage(here)
    with pytest.raises(Exception, match=r"restore|missing|no master key"):
        here.back_up()
    assert list(here.backups.iterdir()) == []


def test_files_that_the_settings_name_are_those_of_the_folder(tmp_path: Path) -> None:
    """By relative and by absolute names, through links too; nothing that lies elsewhere, and nothing above."""
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "elsewhere.toml").touch()
    (folder / "exchange.toml").symlink_to(tmp_path / "elsewhere.toml")
    for name in ("deny.txt", "tls.pem"):
        (folder / name).touch()
    settings = Settings(tls_certificate=str(folder / "tls.pem"), tls_key="../elsewhere.toml")
    assert named_by_settings(folder, settings) == ["exchange.toml", "deny.txt", "tls.pem"]
    settings = Settings(deny_list_file=str(tmp_path / "elsewhere.toml"), tls_certificate="missing.pem")
    assert named_by_settings(folder, settings) == ["exchange.toml"]
