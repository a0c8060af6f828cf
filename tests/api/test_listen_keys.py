"""Listen keys live for an hour at a time, and no longer than the API key that they were made with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.api.listen_keys import LIFETIME, LOOKS_LIKE_KEY, ListenKeys
from exchange.core.units import AccountId, Micros
from exchange.office.keys import Scope
from tests.office.rooms import Office

ALICE, BOB = AccountId(100), AccountId(101)
NOW = Micros(1_700_000_010_000_000)
LATER = Micros(NOW + LIFETIME - 1)
TOO_LATE = Micros(NOW + LIFETIME)
HERE = "127.0.0.1"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path)
    yield opened
    opened.db.close()


@pytest.fixture
def keys(office: Office) -> ListenKeys:
    return ListenKeys(office.clock, office.keyring)


@pytest.fixture
def api_key(office: Office) -> str:
    """An API key of alice's."""
    return office.keyring.create(ALICE, frozenset({Scope.READ}), "hmac").api_key


def test_a_key_names_its_account_for_an_hour(keys: ListenKeys, api_key: str) -> None:
    key = keys.create(ALICE, api_key, NOW)
    assert LOOKS_LIKE_KEY(key)
    assert keys.find(key, LATER, HERE) == ALICE
    assert keys.find(key, TOO_LATE, HERE) is None
    assert keys.find("x" * 60, NOW, HERE) is None


def test_asking_again_gives_the_same_key_a_new_hour(keys: ListenKeys, api_key: str) -> None:
    key = keys.create(ALICE, api_key, NOW)
    assert keys.create(ALICE, api_key, LATER) == key
    assert keys.find(key, TOO_LATE, HERE) == ALICE


def test_an_expired_key_is_replaced_and_stays_dead(keys: ListenKeys, api_key: str) -> None:
    old = keys.create(ALICE, api_key, NOW)
    new = keys.create(ALICE, api_key, TOO_LATE)
    assert new != old
    assert keys.find(old, TOO_LATE, HERE) is None


def test_only_its_owner_can_keep_it_alive_or_close_it(keys: ListenKeys, api_key: str) -> None:
    key = keys.create(ALICE, api_key, NOW)
    assert not keys.keep_alive(BOB, key, NOW)
    assert not keys.close(BOB, key)
    assert keys.keep_alive(ALICE, key, LATER)
    assert keys.find(key, TOO_LATE, HERE) == ALICE
    assert keys.close(ALICE, key)
    assert keys.find(key, LATER, HERE) is None
    assert not keys.close(ALICE, key)


def test_a_dead_key_cannot_be_kept_alive(keys: ListenKeys, api_key: str) -> None:
    key = keys.create(ALICE, api_key, NOW)
    assert not keys.keep_alive(ALICE, key, TOO_LATE)


def test_b23_a_listen_key_dies_with_its_api_key_and_no_other(office: Office, keys: ListenKeys, api_key: str) -> None:
    """B23: else who stole a revoked key could read on, as long as its owner keeps his own stream alive."""
    other = office.keyring.create(ALICE, frozenset({Scope.READ}), "hmac").api_key
    stolen, own = keys.create(ALICE, api_key, NOW), keys.create(ALICE, other, NOW)
    office.keyring.revoke(api_key)
    assert (keys.find(stolen, NOW, HERE), keys.find(own, NOW, HERE)) == (None, ALICE)
    assert not keys.keep_alive(ALICE, stolen, NOW)


def test_b22_a_listen_key_is_good_where_its_api_key_is(office: Office, keys: ListenKeys, api_key: str) -> None:
    """B22: addresses on the list, no others."""
    key = keys.create(ALICE, api_key, NOW)
    office.keyring.limit(api_key, ("203.0.113.0/24",))
    assert (keys.find(key, NOW, "203.0.113.7"), keys.find(key, NOW, HERE)) == (ALICE, None)
