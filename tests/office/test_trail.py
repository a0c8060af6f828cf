"""The audit trail: whatever is done to it afterwards is found."""

from __future__ import annotations

import pytest

from exchange.office.trail import Head, Trail, TrailBroken, read_head, verify_file, verify_trail
from tests.office.rooms import Office


@pytest.fixture
def written(office: Office) -> Office:
    """Three acts, six rows."""
    for detail in ('{"n":1}', '{"n":2}', '{"n":3}'):
        act = office.trail.asked("ann", 1_000, "credit", detail)
        office.trail.settled(act, "ann", 1_000, "done", "credit", "{}")
    return office


def test_b41_an_untouched_trail_verifies(written: Office) -> None:
    """B41: six rows, each chained to the one before."""
    assert verify_trail(written.db, read_head(written.head)) == written.trail.head
    assert written.trail.head.seq == 6


def test_b41_the_chain_goes_on_after_a_restart(written: Office) -> None:
    again = written.reopened()
    again.trail.refused("ann", 1_000, "credit", "{}")
    assert verify_trail(again.db, read_head(again.head)).seq == 7


@pytest.mark.parametrize("seq", [1, 3, 6])
@pytest.mark.parametrize(
    "change",
    [
        "time = time + 1",
        "operator = 'bert'",
        "uid = 0",
        "act = act + 1",
        "stage = 'failed'",
        "method = 'status'",
        "detail = '{\"n\":9}'",
        "hash = zeroblob(32)",
    ],
)
def test_b42_an_edit_is_found(written: Office, seq: int, change: str) -> None:
    """B42: of any column of any row."""
    written.db.execute(f"UPDATE trail SET {change} WHERE seq = ?", (seq,))  # the table above
    with pytest.raises(TrailBroken, match=f"row {seq} was altered"):
        verify_trail(written.db, None)


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_b42_a_deletion_is_found(written: Office, seq: int) -> None:
    written.db.execute("DELETE FROM trail WHERE seq = ?", (seq,))
    with pytest.raises(TrailBroken, match=f"row {seq} is missing"):
        verify_trail(written.db, None)


def test_b42_a_deletion_closed_up_is_found(written: Office) -> None:
    written.db.execute("DELETE FROM trail WHERE seq = 3")
    written.db.execute("UPDATE trail SET seq = seq - 1 WHERE seq > 3")
    with pytest.raises(TrailBroken, match="row 3 was altered"):
        verify_trail(written.db, None)


def test_b42_a_truncation_is_found(written: Office) -> None:
    """B42: the chain that is left is whole, but the head remembers."""
    written.db.execute("DELETE FROM trail WHERE seq > 4")
    assert verify_trail(written.db, None).seq == 4
    with pytest.raises(TrailBroken, match="row 6 was written once and is missing"):
        verify_trail(written.db, read_head(written.head))


def test_b42_a_trail_rewritten_from_the_start_is_found_by_a_head_kept_elsewhere(written: Office) -> None:
    """B42: whoever can write the whole folder can forge chain and head, but not a copy off the machine."""
    kept = written.trail.head
    written.db.execute("DELETE FROM trail")
    written.head.unlink()
    forged = Trail(written.db, written.clock, written.head)
    for _ in range(8):
        forged.refused("ann", 1_000, "credit", "{}")
    assert verify_trail(written.db, read_head(written.head)).seq == 8
    with pytest.raises(TrailBroken, match="row 6 is not the one that was written"):
        verify_trail(written.db, kept)


def test_b42_a_truncated_trail_is_not_continued(written: Office) -> None:
    """B42: start-up refuses it too."""
    written.db.execute("DELETE FROM trail WHERE seq > 4")
    with pytest.raises(TrailBroken, match="row 6"):
        written.reopened()


def test_a_head_that_lags_is_no_fault(written: Office) -> None:
    """The head is written after the row and not synced, so a power cut may leave it behind."""
    before = read_head(written.head)
    written.trail.refused("ann", 1_000, "credit", "{}")
    assert verify_trail(written.db, before).seq == 7


def test_a_file_in_use_is_verified_without_writing(written: Office) -> None:
    assert verify_file(written.path, read_head(written.head)).seq == 6


def test_what_is_no_head_is_refused(written: Office) -> None:
    written.head.write_text("nonsense")
    with pytest.raises(TrailBroken, match="not the head"):
        read_head(written.head)


def test_an_empty_trail_verifies(office: Office) -> None:
    assert verify_trail(office.db, read_head(office.head)) == Head(0, "00" * 32)


def test_the_tail_is_the_newest_rows_oldest_first(written: Office) -> None:
    assert [entry.seq for entry in written.trail.tail(2)] == [5, 6]


def test_after_a_number_come_the_rows_that_follow(written: Office) -> None:
    assert [entry.seq for entry in written.trail.after(1, 3)] == [2, 3, 4]
