"""API keys: who may ask what in a trader's name. Living keys are in memory; every change is on disk at its return."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import apsw
import msgspec
from nacl.signing import VerifyKey

from exchange.clock import Clock
from exchange.core.units import AccountId, Micros
from exchange.office.addresses import AddressList, BadAddress
from exchange.office.proofs import KeyRefused, Mac, parse_public_key
from exchange.office.uses import Use, day_of
from exchange.office.vault import Vault

__all__ = ["MAX_KEYS", "ApiKey", "KeyRefused", "KeyRing", "Kind", "NewKey", "Scope", "parse_scopes"]

KEY_CHARS: Final = 64
"""Length of an API key and of an HMAC secret: 381 bits each."""

MAX_KEYS: Final = 100
"""Living keys per account."""

MAX_LABEL: Final = 64

NOTED_AT_ONCE: Final = 200
"""Uses written down in one go: trading goes on in between."""

Kind = Literal["hmac", "ed25519"]


class Scope(StrEnum):
    """What a key may do. TRADE and WITHDRAW include READ."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"

    __hash__ = str.__hash__
    # That of an enum class is a function in Python, and each request looks its scope up.


class ApiKey(msgspec.Struct, frozen=True, eq=False):
    """A key as the ring knows it. HMAC keys have a `secret` and its `mac`, Ed25519 keys a `verify_key`.

    It may be used from those `addresses`; None: from anywhere.
    """

    api_key: str
    account: AccountId
    scopes: frozenset[Scope]
    kind: Kind
    label: str
    created: Micros
    use: Use
    revoked: Micros = Micros(0)
    addresses: AddressList | None = None
    secret: bytes = b""
    verify_key: VerifyKey | None = None
    mac: Mac | None = None

    def __repr__(self) -> str:
        """Without the secret: this may end up in a log."""
        return f"ApiKey({self.api_key!r}, account={self.account}, {self.kind}, {' '.join(sorted(self.scopes))})"


class NewKey(msgspec.Struct, frozen=True, eq=False):
    """A key just made. `secret` exists nowhere else in the clear, and is None for Ed25519."""

    api_key: str
    secret: str | None
    key: ApiKey

    def __repr__(self) -> str:
        """Without the secret."""
        return f"NewKey({self.key!r})"


def parse_scopes(words: tuple[str, ...]) -> frozenset[Scope]:
    """The scopes of these names. Raises `KeyRefused` for one that is not offered."""
    known = {scope.value for scope in Scope}
    if unknown := sorted(set(words) - known):
        raise KeyRefused(f"no scope is called {unknown[0]!r}; there are {', '.join(sorted(known))}. No key was made.")
    return frozenset(Scope(word) for word in words)


class KeyRing:
    """All API keys. `find` answers from memory; a revoked key is gone from it before `revoke` returns."""

    __slots__ = ("_clock", "_db", "_living", "_vault")

    def __init__(self, db: apsw.Connection, vault: Vault, clock: Clock) -> None:
        """Read all living keys. Raises `EnvelopeBroken` when a secret does not open."""
        self._db = db
        self._vault = vault
        self._clock = clock
        self._living: dict[str, ApiKey] = {}
        now = clock.now()
        db.execute("UPDATE api_keys SET counted_from = ? WHERE counted_from = 0", (now,))
        for row in db.execute(f"{_SELECT} WHERE revoked = 0"):
            key = self._open(row)
            if now < key.use.runs_out:
                self._living[key.api_key] = key

    def find(self, api_key: str) -> ApiKey | None:
        """The living key of that name. Ask again for each request: a revoked key is no longer found."""
        return self._living.get(api_key)

    def find_from(self, address: str, api_key: str) -> ApiKey | None:
        """The same for a client at that address; None too when the key may not be used from there."""
        key = self._living.get(api_key)
        if key is None or key.addresses is None or key.addresses.admits(address):
            return key
        return None

    def create(
        self,
        account: AccountId,
        scopes: frozenset[Scope],
        kind: Kind,
        public_key_pem: str | None = None,
        label: str = "",
        addresses: tuple[str, ...] = (),
        *,
        roaming: bool = False,
    ) -> NewKey:
        """Make a key; it works at once, from those addresses only or (none) from anywhere. Raises `KeyRefused`.

        One that may withdraw has addresses, unless it is `roaming`, which is for demos.
        """
        point = parse_public_key(public_key_pem) if kind == "ed25519" and public_key_pem else None
        self._refuse(account, scopes, kind, public_key_pem, label)
        only_from = _address_list(addresses, "No key was made.")
        if Scope.WITHDRAW in scopes and not addresses and not roaming:
            raise KeyRefused("a key that may withdraw needs addresses from which it is used. No key was made.")
        if scopes & {Scope.TRADE, Scope.WITHDRAW}:
            scopes |= {Scope.READ}
        api_key, now = self._clock.token(KEY_CHARS), self._clock.now()
        secret = self._clock.token(KEY_CHARS) if point is None else None
        key = ApiKey(
            *(api_key, account, scopes, kind, label, now, Use(now, Micros(0))),
            addresses=only_from,
            secret=secret.encode() if secret else b"",
            verify_key=VerifyKey(point) if point else None,
            mac=Mac(secret.encode()) if secret else None,
        )
        sealed = self._vault.seal(_record(api_key), key.secret) if secret else None
        self._db.execute(
            "INSERT INTO api_keys (api_key, account, kind, scopes, label, secret, public_key, created, counted_from, "
            "addresses) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (api_key, account, kind, " ".join(sorted(scopes)), label, sealed, point, now, now, _joined(only_from)),
        )
        self._living[api_key] = key
        return NewKey(api_key, secret, key)

    def _refuse(
        self, account: AccountId, scopes: frozenset[Scope], kind: Kind, public_key_pem: str | None, label: str
    ) -> None:
        if not scopes:
            raise KeyRefused("a key needs a scope: read, trade or withdraw. No key was made.")
        if (kind == "ed25519") != bool(public_key_pem):
            raise KeyRefused("an Ed25519 key, and no other, comes with its public key. No key was made.")
        if len(label) > MAX_LABEL or not label.isprintable():
            raise KeyRefused(f"a label has at most {MAX_LABEL} printable characters. No key was made.")
        if sum(key.account == account for key in self._living.values()) >= MAX_KEYS:
            raise KeyRefused(
                f"the account has {MAX_KEYS} living keys, the most there may be. Revoke one. No key was made."
            )

    def limit(self, api_key: str, addresses: tuple[str, ...]) -> ApiKey:
        """Let a key be used from those addresses only, from now on; none: from anywhere. Raises `KeyRefused`."""
        key = self._living.get(api_key)
        if key is None:
            raise KeyRefused(_NO_SUCH_KEY)
        if Scope.WITHDRAW in key.scopes and not addresses and key.addresses is not None:
            raise KeyRefused("a key that may withdraw needs addresses from which it is used. Nothing was changed.")
        only_from = _address_list(addresses, "Nothing was changed.")
        self._db.execute("UPDATE api_keys SET addresses = ? WHERE api_key = ?", (_joined(only_from), api_key))
        changed = self._living[api_key] = msgspec.structs.replace(key, addresses=only_from)
        return changed

    def revoke(self, api_key: str) -> ApiKey:
        """Kill a key for good, be it expired or not, and erase its secret. Raises `KeyRefused` when there is none."""
        row = self._db.execute(f"{_SELECT} WHERE api_key = ? AND revoked = 0", (api_key,)).fetchone()
        if row is None:
            raise KeyRefused(_NO_SUCH_KEY)
        now = self._clock.now()
        self._db.execute("UPDATE api_keys SET revoked = ?, secret = NULL WHERE api_key = ?", (now, api_key))
        self._living.pop(api_key, None)
        return msgspec.structs.replace(_bare(row), revoked=now)

    def keep(self) -> None:
        """Write down the days of uses, some at a time, and drop keys that nobody uses. To be called every minute.

        Raises `apsw.Error` when it cannot be written; then it is tried again by the next call.
        """
        now = self._clock.now()
        self._note(day_of(now))
        for key in [key for key in self._living.values() if key.use.runs_out <= now and not key.use.noticed]:
            del self._living[key.api_key]

    def _note(self, today: Micros) -> None:
        """At most once a day for each key."""
        fresh = []
        for key in self._living.values():
            if key.use.noticed:
                if key.use.last < today:
                    fresh.append(key)
                else:
                    key.use.noticed = False
        fresh = fresh[:NOTED_AT_ONCE]
        if fresh:
            with self._db:
                rows = [(today, key.api_key) for key in fresh]
                self._db.executemany("UPDATE api_keys SET last_used = ? WHERE api_key = ?", rows)
        for key in fresh:
            key.use.last, key.use.noticed = today, False

    def list(self, account: AccountId | None = None, after: str = "", limit: int = -1) -> list[ApiKey]:
        """Keys of an account, or of everybody, revoked ones too, sorted by name and without secrets.

        Those after the name `after`, `limit` of them at most (-1: all).
        """
        whose, values = ("", (after, limit)) if account is None else ("account = ? AND ", (account, after, limit))
        rows = self._db.execute(f"{_SELECT} WHERE {whose}api_key > ? ORDER BY api_key LIMIT ?", values)
        return [_bare(row) for row in rows]

    def _open(self, row: _Row) -> ApiKey:
        key, sealed = _bare(row), row[10]
        if sealed is None:
            return key
        secret = self._vault.open(_record(key.api_key), sealed)
        return msgspec.structs.replace(key, secret=secret, mac=Mac(secret))


_Row = tuple[str, int, Kind, str, str, int, int, int, int, str, bytes | None, bytes | None]
_SELECT: Final = (
    "SELECT api_key, account, kind, scopes, label, created, counted_from, last_used, revoked, addresses, secret, "
    "public_key FROM api_keys"
)
_NO_SUCH_KEY: Final = "no living API key has that name. Nothing was changed; `exchange key list` shows all."


def _record(api_key: str) -> str:
    return f"api_keys:{api_key}"


def _bare(row: _Row) -> ApiKey:
    """The key of a row, but for its secret."""
    api_key, account, kind, scopes, label, created, since, last, revoked, addresses, _, point = row
    return ApiKey(
        *(api_key, AccountId(account), frozenset(map(Scope, scopes.split())), kind, label, Micros(created)),
        Use(Micros(since), Micros(last)),
        revoked=Micros(revoked),
        addresses=_address_list(tuple(addresses.split()), ""),
        verify_key=VerifyKey(point) if point else None,
    )


def _address_list(words: tuple[str, ...], so: str) -> AddressList | None:
    """The list, or None for any address. Raises `KeyRefused`, whose message ends in `so`."""
    try:
        return AddressList(words) if words else None
    except BadAddress as error:
        raise KeyRefused(f"{error} {so}") from error


def _joined(addresses: AddressList | None) -> str:
    """As the column has it."""
    return " ".join(addresses.texts) if addresses is not None else ""
