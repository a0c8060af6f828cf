"""Listen keys: unguessable names under which a trader's own events can be read, good for an hour at a time.

They live in memory only: after a restart a client asks for a new one, as it does when one has expired.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from exchange.clock import Clock
from exchange.core.units import AccountId, Micros
from exchange.office.keys import KeyRing

LIFETIME: Final = 3_600_000_000
"""Microseconds that a listen key lives after it was made or kept alive."""

KEY_CHARS: Final = 60
LOOKS_LIKE_KEY: Final = re.compile(rf"[0-9A-Za-z]{{{KEY_CHARS}}}", re.ASCII).fullmatch
"""Whether a name is one that a listen key could have."""


class _Key(msgspec.Struct):
    name: str
    account: AccountId
    api_key: str
    until: Micros


class ListenKeys:
    """At most one for each API key, with which it dies, and whose addresses are its own."""

    def __init__(self, clock: Clock, keyring: KeyRing) -> None:
        """`clock` makes the names."""
        self._clock = clock
        self._keyring = keyring
        self._by_api_key: dict[str, _Key] = {}
        self._by_name: dict[str, _Key] = {}

    def create(self, account: AccountId, api_key: str, now: Micros) -> str:
        """The API key's living listen key, its life extended, or a new one."""
        key = self._by_api_key.get(api_key)
        if key is not None and now < key.until:
            key.until = Micros(now + LIFETIME)
            return key.name
        if key is not None:
            del self._by_name[key.name]
        key = _Key(self._clock.token(KEY_CHARS), account, api_key, Micros(now + LIFETIME))
        self._by_api_key[api_key] = self._by_name[key.name] = key
        return key.name

    def keep_alive(self, account: AccountId, listen_key: str, now: Micros) -> bool:
        """Extend its life; False when the account has no such key."""
        key = self._by_name.get(listen_key)
        if key is None or key.account != account or now >= key.until or self._keyring.find(key.api_key) is None:
            return False
        key.until = Micros(now + LIFETIME)
        return True

    def close(self, account: AccountId, listen_key: str) -> bool:
        """End it; False when the account has no such key."""
        key = self._by_name.get(listen_key)
        if key is None or key.account != account:
            return False
        del self._by_name[listen_key]
        del self._by_api_key[key.api_key]
        return True

    def find(self, listen_key: str, now: Micros, address: str) -> AccountId | None:
        """Whose living key that is; None when nobody's, or its API key died or may not be used from that address."""
        key = self._by_name.get(listen_key)
        if key is None or now >= key.until or self._keyring.find_from(address, key.api_key) is None:
            return None
        return key.account
