"""B22 and B23 in the office: lists of addresses are kept, uses are noted by the day, unused keys expire."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import apsw
import pytest
import trio
import trio.testing

from exchange.core.units import AccountId
from exchange.office.keys import KeyRefused, Scope
from exchange.office.upkeep import tend
from exchange.office.uses import DAY, UNUSED_DAYS
from exchange.office.vault import Vault
from tests.office.rooms import Office, SetClock

ALICE = AccountId(100)
READ = frozenset({Scope.READ})
HOME, AWAY = "203.0.113.7", "198.51.100.1"


def made(office: Office, *addresses: str) -> str:
    """The name of a new key."""
    return office.keyring.create(ALICE, READ, "hmac", addresses=addresses).api_key


def used(office: Office, api_key: str) -> None:
    """What every request does that a key has signed."""
    key = office.keyring.find(api_key)
    assert key is not None
    key.use.noticed = True


def test_b22_a_key_is_found_only_from_where_it_may_be_used(office: Office) -> None:
    key = made(office, "203.0.113.0/24")
    assert office.keyring.find_from(HOME, key) is not None
    assert office.keyring.find_from(AWAY, key) is None


def test_b22_a_key_without_a_list_is_found_from_anywhere(office: Office) -> None:
    assert office.keyring.find_from("", made(office)) is not None


def test_b22_a_list_is_there_after_a_restart(office: Office) -> None:
    key = made(office, HOME)
    again = office.reopened()
    assert (again.keyring.find_from(HOME, key) is None, again.keyring.find_from(AWAY, key) is None) == (False, True)


def test_b22_a_list_is_changed_and_lifted_at_once_and_for_good(office: Office) -> None:
    key = made(office, HOME)
    office.keyring.limit(key, (AWAY,))
    assert office.keyring.find_from(HOME, key) is None
    office.keyring.limit(key, ())
    assert office.reopened().keyring.find_from(HOME, key) is not None


def test_b22_a_bad_list_changes_nothing(office: Office) -> None:
    key = made(office, HOME)
    with pytest.raises(KeyRefused, match="Nothing was changed"):
        office.keyring.limit(key, (AWAY, "anywhere"))
    with pytest.raises(KeyRefused, match="No key was made"):
        made(office, "anywhere")
    assert [one.addresses is not None and one.addresses.texts for one in office.keyring.list()] == [(HOME,)]


def test_b22_only_a_living_key_gets_a_list(office: Office) -> None:
    key = made(office)
    office.keyring.revoke(key)
    with pytest.raises(KeyRefused, match="no living API key"):
        office.keyring.limit(key, (HOME,))


@pytest.mark.parametrize(("days", "lives"), [(UNUSED_DAYS - 1, True), (UNUSED_DAYS, False)])
@pytest.mark.parametrize("restart", [True, False])
def test_b23_a_key_that_nobody_uses_expires(office: Office, days: int, lives: bool, restart: bool) -> None:
    """B23: after 90 days it is not found any more, in a running house and in one that starts."""
    key = made(office)
    office.clock.time += days * DAY
    if not restart:
        office.keyring.keep()
    again = office.reopened() if restart else office
    assert (again.keyring.find(key) is not None) is lives


def test_b23_a_use_gives_90_days_more(office: Office) -> None:
    """B23: counted from the end of the day of the use, so that nobody has less."""
    key = made(office)
    office.clock.time += (UNUSED_DAYS - 1) * DAY
    used(office, key)
    office.keyring.keep()
    office.clock.time += UNUSED_DAYS * DAY
    again = office.reopened()
    assert again.keyring.find(key) is not None
    again.clock.time += DAY
    again.keyring.keep()
    assert again.keyring.find(key) is None


def test_b23_a_key_in_use_does_not_expire_before_that_is_noted(office: Office) -> None:
    key = made(office)
    used(office, key)
    office.clock.time += 2 * UNUSED_DAYS * DAY
    office.keyring.keep()
    assert office.keyring.find(key) is not None


def test_b23_a_use_is_written_down_once_a_day(office: Office) -> None:
    """B23: coarsely, and not by whoever uses it."""
    key = made(office)
    changes = []
    for _ in range(3):
        used(office, key)
        before = office.db.total_changes()
        office.keyring.keep()
        changes.append(office.db.total_changes() - before)
    (row,) = office.keyring.list()
    assert (changes, row.use.last) == ([1, 0, 0], office.clock.time // DAY * DAY)


def test_b23_an_expired_key_is_listed_and_can_be_revoked(office: Office) -> None:
    key = made(office)
    office.clock.time += UNUSED_DAYS * DAY
    office.keyring.keep()
    (row,) = office.keyring.list()
    assert (row.revoked, row.use.runs_out <= office.clock.time) == (0, True)
    office.keyring.revoke(key)
    assert office.db.execute("SELECT secret FROM api_keys").fetchall() == [(None,)]


async def test_b23_uses_are_noted_every_minute_and_at_the_end(
    office: Office, autojump_clock: trio.testing.MockClock
) -> None:
    keys = [made(office), made(office)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tend, office.keyring)
        used(office, keys[0])
        await trio.sleep(61)
        noted = {key.api_key for key in office.keyring.list() if key.use.last}
        used(office, keys[1])
        nursery.cancel_scope.cancel()
    assert noted == {keys[0]}
    assert all(key.use.last for key in office.keyring.list())


def test_b23_a_key_of_before_has_90_days_from_the_upgrade_on(tmp_path: Path) -> None:
    """An office as the first release wrote it opens, with its keys; nobody noted their uses, so none is held unused."""
    clock = SetClock()
    script = resources.files("exchange.office") / "migrations" / "0001_office.sql"
    db = apsw.Connection(str(tmp_path / "office.db"))
    db.execute(script.read_text(encoding="utf-8"))
    sealed = Vault(bytes(32), clock).seal("api_keys:old", b"secret")
    db.execute("INSERT INTO api_keys VALUES ('old', 100, 'hmac', 'read', '', ?, NULL, 1, 0)", (sealed,))
    db.pragma("user_version", 1)
    db.close()
    office = Office(tmp_path)
    assert office.keyring.find_from(AWAY, "old") is not None
    office.clock.time += UNUSED_DAYS * DAY
    again = office.reopened()
    assert again.keyring.find("old") is None
    again.db.close()
