"""Listen keys live for an hour at a time."""

from exchange.api.listen_keys import LIFETIME, LOOKS_LIKE_KEY, ListenKeys
from exchange.clock import SystemClock
from exchange.core.units import AccountId, Micros

ALICE, BOB = AccountId(100), AccountId(101)
NOW = Micros(1_700_000_000_000_000)
LATER = Micros(NOW + LIFETIME - 1)
TOO_LATE = Micros(NOW + LIFETIME)


def test_a_key_names_its_account_for_an_hour() -> None:
    keys = ListenKeys(SystemClock())
    key = keys.create(ALICE, NOW)
    assert LOOKS_LIKE_KEY(key)
    assert keys.find(key, LATER) == ALICE
    assert keys.find(key, TOO_LATE) is None
    assert keys.find("x" * 60, NOW) is None


def test_asking_again_gives_the_same_key_a_new_hour() -> None:
    keys = ListenKeys(SystemClock())
    key = keys.create(ALICE, NOW)
    assert keys.create(ALICE, LATER) == key
    assert keys.find(key, TOO_LATE) == ALICE


def test_an_expired_key_is_replaced_and_stays_dead() -> None:
    keys = ListenKeys(SystemClock())
    old = keys.create(ALICE, NOW)
    new = keys.create(ALICE, TOO_LATE)
    assert new != old
    assert keys.find(old, TOO_LATE) is None


def test_only_its_owner_can_keep_it_alive_or_close_it() -> None:
    keys = ListenKeys(SystemClock())
    key = keys.create(ALICE, NOW)
    assert not keys.keep_alive(BOB, key, NOW)
    assert not keys.close(BOB, key)
    assert keys.keep_alive(ALICE, key, LATER)
    assert keys.find(key, TOO_LATE) == ALICE
    assert keys.close(ALICE, key)
    assert keys.find(key, LATER) is None
    assert not keys.close(ALICE, key)


def test_a_dead_key_cannot_be_kept_alive() -> None:
    keys = ListenKeys(SystemClock())
    key = keys.create(ALICE, NOW)
    assert not keys.keep_alive(ALICE, key, TOO_LATE)
