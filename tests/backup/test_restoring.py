"""A restore: the same money and the same orders, to the last event; in a new epoch with payouts shut; or nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from exchange.app import offline
from exchange.backup.fault import BackupFault
from exchange.backup.key import create_backup_key
from exchange.backup.placing import prove, restore_to
from exchange.backup.restoring import Wanted
from exchange.backup.until import Until, read_until
from exchange.clock import SystemClock
from exchange.core.commands import OpenAccount
from exchange.core.networks import ALL_ASSETS
from exchange.core.units import AccountId, AssetId, Micros, Seq
from exchange.custody.deposits.pool import Pool
from exchange.custody.port import Purpose
from exchange.custody.store import Store
from exchange.ledger.db import LedgerDamaged
from exchange.ledger.fingerprint import read_fingerprint
from exchange.settings import load
from tests.backup.furnished import Furnished, furnish, hidden, quiet, verified


async def state_of(folder: Path) -> tuple[int, dict[AssetId, str]]:
    """The epoch and what is shut, as a server that opens the folder sees them; and that it goes on."""
    async with offline(folder, load(folder), SystemClock()) as house:
        outcome = await house.sequencer.call(OpenAccount("afterwards"))
        assert outcome.reject is None
        return await house.sequencer.read(lambda state: (state.epoch, dict(state.payouts_shut)))


async def test_a_restored_folder_has_the_same_money_and_orders_and_goes_on_in_a_new_epoch(tmp_path: Path) -> None:
    """One event more than the backup, the new epoch; all payouts shut; nothing left beside it."""
    here = await furnish(tmp_path)
    before, backup = read_fingerprint(here.ledger), here.back_up()
    placed = here.restore(backup, "new")
    assert placed.rebuilt.ledger == before
    assert before.open_orders > 0
    assert any(int(total) for total in before.sums.values())
    after = read_fingerprint(tmp_path / "new" / "ledger.db")
    assert (after.seq, after.epoch) == (before.seq + 1, before.epoch + 1)
    assert (after.sums, after.books) == (before.sums, before.books)
    assert verified(tmp_path / "new").events == before.seq + 1
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o711
    assert (tmp_path / "new" / "keystore").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "new").rglob("*") if path.is_file())
    epoch, shut = await state_of(tmp_path / "new")
    assert epoch == placed.epoch == before.epoch + 1
    assert "restored from full-" in shut[ALL_ASSETS]
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("there", ["data", "file", "other"])
async def test_nothing_that_exists_is_restored_onto(tmp_path: Path, there: str) -> None:
    """A data folder, a file, any folder with something in it: refused, and not a byte changes."""
    here = await furnish(tmp_path, commands=50)
    backup = here.back_up()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").write_text("mine")
    before = read_fingerprint(here.ledger)
    with pytest.raises(BackupFault, match="there is something here already"):
        here.restore(backup, there)
    assert read_fingerprint(here.ledger) == before
    assert (tmp_path / "file").read_text() == (tmp_path / "other" / "mine").read_text() == "mine"


async def test_a_wrong_key_restores_nothing_and_says_which_key_it_was(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    backup = here.back_up()
    wrong = create_backup_key(tmp_path / "wrong", SystemClock())
    with backup.open("rb") as file, pytest.raises(BackupFault, match=f"made with the key {here.key.name}"):
        restore_to(tmp_path / "new", Wanted(file, "it", None), wrong, SystemClock(), quiet)
    assert not (tmp_path / "new").exists()
    assert hidden(tmp_path) == []


async def test_a_damaged_backup_leaves_no_folder(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    backup = here.back_up()
    content = bytearray(backup.read_bytes())
    content[-100] ^= 1
    backup.write_bytes(content)
    with pytest.raises(BackupFault, match="altered"):
        here.restore(backup, "new")
    assert not (tmp_path / "new").exists()
    assert hidden(tmp_path) == []


async def grown(place: Path) -> tuple[Furnished, Path, list[Path], list[int]]:
    """A full backup and three segments after it; where the journal ended at each."""
    here = await furnish(place, commands=100)
    backup, segments, ends = here.back_up(), [], [read_fingerprint(here.ledger).seq]
    for tag in "abc":
        await here.go_on(tag)
        segment = here.segment()
        assert segment is not None
        segments.append(segment)
        ends.append(read_fingerprint(here.ledger).seq)
    return here, backup, segments, [int(end) for end in ends]


async def test_full_backup_and_segments_give_the_exact_state(tmp_path: Path) -> None:
    """Every row, not only the journal: `verify` replays all of it."""
    here, backup, _, _ = await grown(tmp_path)
    assert here.segment() is None
    placed = here.restore(backup, "new")
    assert placed.rebuilt.ledger == read_fingerprint(here.ledger)
    assert placed.rebuilt.rows == 9
    assert verified(tmp_path / "new").events == placed.rebuilt.ledger.seq + 1


async def test_a_busy_ledger_grows_again_from_its_segments_row_by_row(tmp_path: Path) -> None:
    """From the very first events on: trades, lists, transfers, keys; all rows are those of the original."""
    here = await furnish(tmp_path, commands=0)
    backup = here.back_up()
    await here.trade(1_500)
    assert here.segment() is not None
    placed = here.restore(backup, "new")
    assert placed.rebuilt.ledger == read_fingerprint(here.ledger)
    assert placed.rebuilt.rows > 50
    assert {table for table, count in placed.rebuilt.compared.items() if count} >= {"trades", "orders", "balances"}


async def test_a_restore_goes_no_further_than_it_is_told(tmp_path: Path) -> None:
    """To an event between two segments, within one, within a batch; to a time."""
    here, backup, _, ends = await grown(tmp_path)
    for number, end in enumerate([ends[0], ends[2], ends[1] + 1]):
        assert here.restore(backup, f"new{number}", Until(Seq(end), None)).rebuilt.ledger.seq == end
    moment = here.restore(backup, "again", Until(Seq(ends[1] + 1), None)).rebuilt.ledger.time
    placed = here.restore(backup, "new3", Until(None, moment))
    assert placed.rebuilt.ledger.seq == ends[1] + 1
    assert here.restore(backup, "new4", Until(None, Micros(moment + 10**15))).rebuilt.ledger.seq == ends[3]


async def test_what_lies_before_the_backup_or_beyond_the_journal_is_refused(tmp_path: Path) -> None:
    here, backup, _, ends = await grown(tmp_path)
    for until, why in (
        (Until(Seq(ends[0] - 1), None), "made after that"),
        (Until(None, Micros(1)), "made after that"),
        (Until(Seq(ends[3] + 1), None), f"end with event {ends[3]}"),
    ):
        with pytest.raises(BackupFault, match=why):
            here.restore(backup, "new", until)
    assert not (tmp_path / "new").exists()


async def test_a_missing_segment_is_told_and_everything_before_it_can_be_had(tmp_path: Path) -> None:
    here, backup, segments, ends = await grown(tmp_path)
    segments[1].unlink()
    with pytest.raises(BackupFault, match=f"events from {ends[1] + 1} to {ends[2]} are in no segment"):
        here.restore(backup, "new")
    assert here.restore(backup, "new", Until(Seq(ends[1]), None)).rebuilt.ledger.seq == ends[1]


async def test_a_segment_that_was_altered_renamed_or_is_a_stranger_s_is_refused(tmp_path: Path) -> None:
    """A segment under another's name does not follow; one of another house with the same key neither."""
    here, backup, segments, _ = await grown(tmp_path)
    good = segments[1].read_bytes()
    other = await furnish(tmp_path / "other", commands=60)
    other.key = here.key
    other.back_up()
    await other.go_on("strange")
    stranger = other.segment()
    assert stranger is not None
    strange = stranger.read_bytes()
    altered = bytearray(good)
    altered[len(good) // 2] ^= 4
    for content in (bytes(altered), good[:-1], segments[2].read_bytes(), strange, backup.read_bytes()):
        segments[1].write_bytes(content)
        with pytest.raises((BackupFault, LedgerDamaged)):
            here.restore(backup, "new")
        assert not (tmp_path / "new").exists()
    segments[1].write_bytes(good)
    here.restore(backup, "new")


async def test_a_full_backup_in_the_midst_of_a_segment_goes_on_with_its_rest(tmp_path: Path) -> None:
    here, _, _, _ = await grown(tmp_path)
    await here.go_on("d")
    middle = here.back_up()
    await here.go_on("e")
    assert here.segment() is not None
    placed = here.restore(middle, "new")
    assert placed.rebuilt.ledger == read_fingerprint(here.ledger)
    assert placed.rebuilt.rows == 3


async def test_a_full_backup_between_two_segments_leaves_no_gap_for_older_ones(tmp_path: Path) -> None:
    """Events came before it that no segment had yet: the next one has them, and both backups lead on."""
    here = await furnish(tmp_path, commands=100)
    older = here.back_up()
    await here.go_on("a")
    here.segment()
    await here.go_on("b")
    newer = here.back_up()
    await here.go_on("c")
    here.segment()
    for name, backup, rows in (("one", older, 9), ("two", newer, 3)):
        placed = here.restore(backup, name)
        assert placed.rebuilt.ledger == read_fingerprint(here.ledger)
        assert placed.rebuilt.rows == rows


async def test_two_histories_in_one_folder_are_told_and_the_newer_one_is_whole(tmp_path: Path) -> None:
    """A ledger that was restored to an older state and went on: from before that the journal forks."""
    here, backup, _, ends = await grown(tmp_path)
    placed = here.restore(backup, "second", Until(Seq(ends[1]), None))
    assert placed.rebuilt.ledger.seq == ends[1]
    second = Furnished(tmp_path / "second", here.backups, here.key, here.clock)
    await second.go_on("x")
    segment = second.segment()
    assert segment is not None
    with pytest.raises(BackupFault, match=f"the journal forks after event {ends[1]}"):
        here.restore(backup, "new")
    newer = second.back_up()
    await second.go_on("y")
    assert second.segment() is not None
    assert here.restore(newer, "new").rebuilt.ledger == read_fingerprint(second.ledger)


async def test_people_and_chains_are_those_of_the_newest_copy_that_fits(tmp_path: Path) -> None:
    """A key revoked after the full backup stays revoked; with --until, nothing newer than that is taken."""
    here = await furnish(tmp_path, commands=50)
    backup = here.back_up()
    ends = [read_fingerprint(here.ledger).seq]
    for number, tag in enumerate("ab"):
        await here.go_on(tag)
        (here.folder / "deny.txt").write_text(f"address{number} bad\n")
        here.back_up(ledger=False)
        here.segment()
        ends.append(read_fingerprint(here.ledger).seq)
    placed = here.restore(backup, "new")
    assert placed.rebuilt.side is not None
    assert (tmp_path / "new" / "deny.txt").read_text() == "address1 bad\n"
    here.restore(backup, "older", Until(ends[1], None))
    assert (tmp_path / "older" / "deny.txt").read_text() == "address0 bad\n"
    here.restore(backup, "oldest", Until(ends[0], None))
    assert (tmp_path / "oldest" / "deny.txt").read_text() == "bad1 a reason\n"


async def test_an_address_given_after_the_backup_is_given_to_nobody_else(tmp_path: Path) -> None:
    """To whom it was given is forgotten; who asks next gets a fresh one, and what was given before stays."""
    here = await furnish(tmp_path, commands=50)

    def derive(_purpose: Purpose, _xpub: str, places: range) -> list[tuple[int, str]]:
        return [(place, f"address{place}") for place in places]

    def pool_of(store: Store) -> Pool:
        return Pool(store, "BTC", str, derive, here.clock, ahead=5)

    asset = AssetId(1)
    with closing(Store(here.folder / "custody.db")) as store:
        pool = pool_of(store)
        await pool.add_wallet(Purpose.DEPOSIT, "xpub")
        early = await pool.address_for(AccountId(100), asset)
        backup = here.back_up()
        late = {await pool.address_for(AccountId(account), asset) for account in (101, 102)}
    here.restore(backup, "new")
    with closing(Store(tmp_path / "new" / "custody.db")) as store:
        pool = pool_of(store)
        await pool.fill()
        assert await pool.address_for(AccountId(100), asset) == early
        fresh = {await pool.address_for(AccountId(account), asset) for account in (101, 102, 103)}
        assert not fresh & late
        assert all(pool.watched[address].account is None for address in late)


async def test_a_copy_without_the_ledger_is_no_backup_to_restore_from(tmp_path: Path) -> None:
    here = await furnish(tmp_path, commands=50)
    with pytest.raises(BackupFault, match="begins with full-"):
        here.restore(here.back_up(ledger=False), "new")


async def test_a_proof_leaves_nothing_behind(tmp_path: Path) -> None:
    here, backup, _, _ = await grown(tmp_path)
    (tmp_path / "scratch").mkdir()
    with backup.open("rb") as file:
        rebuilt = prove(Wanted(file, backup.name, here.backups), here.key, quiet, tmp_path / "scratch")
    assert rebuilt.ledger == read_fingerprint(here.ledger)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_until_is_an_event_or_a_time_of_utc() -> None:
    assert read_until("12345") == Until(Seq(12345), None)
    assert read_until("1970-01-01T00:00:01Z") == Until(None, Micros(1_000_000))
    assert read_until("1970-01-01T00:00:01.5") == Until(None, Micros(1_500_000))
    assert read_until("1970-01-01T02:00:00+02:00") == Until(None, Micros(0))
    for text in ("", "yesterday", "-5", "1e3", "١٢"):
        with pytest.raises(BackupFault, match="neither an event's number nor a time"):
            read_until(text)
