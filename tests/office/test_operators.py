"""Operators and their one-time codes."""

from __future__ import annotations

import pyotp
import pytest

from exchange.office.operators import OperatorRefused, Role, Verdict
from exchange.office.totp import wait_after
from exchange.office.vault import EnvelopeBroken
from tests.office.rooms import Office

STEP = 30_000_000


def enrol(office: Office, name: str = "ann", uid: int = 1_000) -> pyotp.TOTP:
    """Add an operator; what he has in his authenticator app."""
    totp = pyotp.parse_uri(office.operators.add(name, uid, Role.OPERATIONS).uri)
    assert isinstance(totp, pyotp.TOTP)
    return totp


def code(office: Office, totp: pyotp.TOTP, step: int = 0) -> str:
    """What the app shows so many steps from now."""
    return totp.generate_otp(office.clock.now() // STEP + step)


def wrong(office: Office, totp: pyotp.TOTP) -> str:
    """Six digits that are not the code of any step nearby."""
    near = {code(office, totp, step) for step in range(-3, 4)}
    return next(text for text in map("{:06d}".format, range(10)) if text not in near)


def test_a_right_code_is_right(office: Office) -> None:
    totp = enrol(office)
    assert office.operators.verify("ann", code(office, totp)) is Verdict.RIGHT


def test_b4_a_code_works_once(office: Office) -> None:
    """B4."""
    totp = enrol(office)
    office.operators.verify("ann", code(office, totp))
    assert office.operators.verify("ann", code(office, totp)) is Verdict.WRONG


def test_b4_a_code_used_before_a_crash_does_not_work_after_it(office: Office) -> None:
    """B4: the step is on disk before the answer is given."""
    totp = enrol(office)
    office.operators.verify("ann", code(office, totp))
    assert office.reopened().operators.verify("ann", code(office, totp)) is Verdict.WRONG


def test_b4_an_older_code_does_not_work_after_a_newer_one(office: Office) -> None:
    """B4: steps only go forward, else a code seen over a shoulder would work within the window."""
    totp = enrol(office)
    office.operators.verify("ann", code(office, totp, 1))
    assert office.operators.verify("ann", code(office, totp, 0)) is Verdict.WRONG


def test_b4_the_next_step_works_again(office: Office) -> None:
    totp = enrol(office)
    office.operators.verify("ann", code(office, totp))
    office.clock.time += STEP
    assert office.operators.verify("ann", code(office, totp)) is Verdict.RIGHT


@pytest.mark.parametrize(
    ("step", "verdict"),
    [(-2, Verdict.WRONG), (-1, Verdict.RIGHT), (0, Verdict.RIGHT), (1, Verdict.RIGHT), (2, Verdict.WRONG)],
)
def test_b5_the_window_is_one_step_to_either_side(office: Office, step: int, verdict: Verdict) -> None:
    """B5: by the server's clock."""
    totp = enrol(office)
    assert office.operators.verify("ann", code(office, totp, step)) is verdict


@pytest.mark.parametrize("text", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\x00" * 6])
def test_what_is_no_code_is_wrong(office: Office, text: str) -> None:
    enrol(office)
    assert office.operators.verify("ann", text) is Verdict.WRONG


def test_b6_after_three_wrong_codes_the_next_is_not_looked_at(office: Office) -> None:
    """B6: not even a right one."""
    totp = enrol(office)
    verdicts = [office.operators.verify("ann", wrong(office, totp)) for _ in range(4)]
    assert verdicts == [Verdict.WRONG] * 4
    assert office.operators.verify("ann", code(office, totp)) is Verdict.WAIT


def test_b6_the_wait_survives_a_restart(office: Office) -> None:
    totp = enrol(office)
    for _ in range(4):
        office.operators.verify("ann", wrong(office, totp))
    assert office.reopened().operators.verify("ann", code(office, totp)) is Verdict.WAIT


def test_b6_after_the_wait_a_right_code_is_right(office: Office) -> None:
    """B6: nobody is locked out for good."""
    totp = enrol(office)
    for _ in range(4):
        office.operators.verify("ann", wrong(office, totp))
    office.clock.time += 2_000_000
    assert office.operators.verify("ann", code(office, totp)) is Verdict.RIGHT


def test_b6_a_right_code_clears_the_count(office: Office) -> None:
    totp = enrol(office)
    for _ in range(3):
        office.operators.verify("ann", wrong(office, totp))
    office.operators.verify("ann", code(office, totp))
    assert office.operators.verify("ann", wrong(office, totp)) is Verdict.WRONG
    assert office.operators.verify("ann", wrong(office, totp)) is Verdict.WRONG


def test_b6_another_operator_does_not_wait(office: Office) -> None:
    ann, bert = enrol(office), enrol(office, "bert", 1_001)
    for _ in range(4):
        office.operators.verify("ann", wrong(office, ann))
    assert office.operators.verify("bert", code(office, bert)) is Verdict.RIGHT


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, 0), (3, 0), (4, 2), (5, 4), (6, 8), (11, 256), (12, 300), (99, 300)]
)
def test_b6_waits_double_up_to_five_minutes(tries: int, seconds: int) -> None:
    assert wait_after(tries) == seconds * 1_000_000


def test_an_unknown_operator_has_no_right_code(office: Office) -> None:
    assert office.operators.verify("nobody", "000000") is Verdict.WRONG


def test_one_finds_an_operator_by_his_uid(office: Office) -> None:
    enrol(office)
    found = office.operators.by_uid(1_000)
    assert found is not None
    assert (found.name, found.role, office.operators.by_uid(1_001)) == ("ann", Role.OPERATIONS, None)


def test_a_removed_operator_is_not_found_and_has_no_right_code(office: Office) -> None:
    totp = enrol(office)
    office.operators.remove("ann")
    assert office.operators.by_uid(1_000) is None
    assert office.operators.verify("ann", code(office, totp)) is Verdict.WRONG


def test_the_secret_of_a_removed_operator_is_erased(office: Office) -> None:
    enrol(office)
    office.operators.remove("ann")
    assert office.db.execute("SELECT totp FROM operators").fetchall() == [(None,)]


def test_a_name_is_not_used_twice_even_after_its_removal(office: Office) -> None:
    """The trail must stay readable."""
    enrol(office)
    office.operators.remove("ann")
    with pytest.raises(OperatorRefused, match="not used twice"):
        office.operators.add("ann", 1_001, Role.AUDITOR)


def test_a_uid_is_one_operators(office: Office) -> None:
    enrol(office)
    with pytest.raises(OperatorRefused, match="is ann's"):
        office.operators.add("bert", 1_000, Role.AUDITOR)


@pytest.mark.parametrize("name", ["", "Ann", "1ann", "a b", "a\n", "ann\x1b[2J", "x" * 33, "ä"])
def test_a_bad_name_is_refused(office: Office, name: str) -> None:
    with pytest.raises(OperatorRefused, match="Nobody was added"):
        office.operators.add(name, 1, Role.AUDITOR)
    assert not office.operators.list()


@pytest.mark.parametrize("uid", [-1, 1 << 32, (1 << 32) - 1])
def test_what_is_no_uid_is_refused(office: Office, uid: int) -> None:
    with pytest.raises(OperatorRefused, match="is not a user id"):
        office.operators.add("ann", uid, Role.AUDITOR)


def test_who_is_no_operator_cannot_be_removed(office: Office) -> None:
    with pytest.raises(OperatorRefused, match="Nothing was changed"):
        office.operators.remove("nobody")


def test_b38_a_secret_copied_to_another_operator_does_not_open(office: Office) -> None:
    """B38: whoever can write office.db still cannot attach as somebody else with his own app."""
    enrol(office)
    totp = enrol(office, "bert", 1_001)
    office.db.execute("UPDATE operators SET totp = (SELECT totp FROM operators WHERE name = 'bert') WHERE name = 'ann'")
    with pytest.raises(EnvelopeBroken, match="another record"):
        office.operators.verify("ann", code(office, totp))
