"""Listen keys: unguessable names under which a trader's own events can be read, good for an hour at a time.

They live in memory only: after a restart a client asks for a new one, as it does when one has expired.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from exchange.clock import Clock
from exchange.core.units import AccountId, Micros

LIFETIME: Final = 3_600_000_000
"""Microseconds that a listen key lives after it was made or kept alive."""

KEY_CHARS: Final = 60
LOOKS_LIKE_KEY: Final = re.compile(rf"[0-9A-Za-z]{{{KEY_CHARS}}}", re.ASCII).fullmatch
"""Whether a name is one that a listen key could have."""


class _Key(msgspec.Struct):
    name: str
    account: AccountId
    until: Micros


class ListenKeys:
    """At most one key per account, so there are never more than accounts."""

    def __init__(self, clock: Clock) -> None:
        """`clock` makes the names."""
        self._clock = clock
        self._by_account: dict[AccountId, _Key] = {}
        self._by_name: dict[str, _Key] = {}

    def create(self, account: AccountId, now: Micros) -> str:
        """The account's living key, its life extended, or a new one."""
        key = self._by_account.get(account)
        if key is not None and now < key.until:
            key.until = Micros(now + LIFETIME)
            return key.name
        if key is not None:
            del self._by_name[key.name]
        key = _Key(self._clock.token(KEY_CHARS), account, Micros(now + LIFETIME))
        self._by_account[account] = self._by_name[key.name] = key
        return key.name

    def keep_alive(self, account: AccountId, listen_key: str, now: Micros) -> bool:
        """Extend its life; False when the account has no such key."""
        if self.find(listen_key, now) != account:
            return False
        self._by_name[listen_key].until = Micros(now + LIFETIME)
        return True

    def close(self, account: AccountId, listen_key: str) -> bool:
        """End it; False when the account has no such key."""
        key = self._by_name.get(listen_key)
        if key is None or key.account != account:
            return False
        del self._by_name[listen_key]
        del self._by_account[account]
        return True

    def find(self, listen_key: str, now: Micros) -> AccountId | None:
        """Whose living key that is; None when nobody's."""
        key = self._by_name.get(listen_key)
        return key.account if key is not None and now < key.until else None
