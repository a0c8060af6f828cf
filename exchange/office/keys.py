"""API keys: who may ask what in a trader's name. Living keys are in memory; every change is on disk at its return."""

from __future__ import annotations

import base64
import binascii
import hashlib
from enum import StrEnum
from typing import Final, Literal

import apsw
import msgspec
from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.signing import VerifyKey

from exchange.clock import Clock
from exchange.core.units import AccountId, Micros
from exchange.office.vault import Vault

KEY_CHARS: Final = 64
"""Length of an API key and of an HMAC secret: 381 bits each."""

MAX_KEYS: Final = 100
"""Living keys per account."""

MAX_LABEL: Final = 64

_SPKI_ED25519: Final = bytes.fromhex("302a300506032b6570032100")
_BEGIN: Final = "-----BEGIN PUBLIC KEY-----"
_END: Final = "-----END PUBLIC KEY-----"

Kind = Literal["hmac", "ed25519"]


class Scope(StrEnum):
    """What a key may do. TRADE includes READ."""

    READ = "read"
    TRADE = "trade"


class KeyRefused(Exception):
    """The key was not made or not revoked, and nothing was changed. The message says why."""


class Mac:
    """HMAC-SHA256 with one secret, whose two blocks are hashed once and not for every message."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        block = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def __call__(self, message: bytes) -> str:
        """The code of `message`, in hex."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.hexdigest()


_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


class ApiKey(msgspec.Struct, frozen=True, eq=False):
    """A key as the ring knows it. HMAC keys have a `secret` and its `mac`, Ed25519 keys a `verify_key`."""

    api_key: str
    account: AccountId
    scopes: frozenset[Scope]
    kind: Kind
    label: str
    created: Micros
    revoked: Micros = Micros(0)
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
    if "withdraw" in words:
        raise KeyRefused("the scope withdraw is not offered yet: keys can read and trade. No key was made.")
    known = {scope.value for scope in Scope}
    if unknown := sorted(set(words) - known):
        raise KeyRefused(f"no scope is called {unknown[0]!r}; there are {', '.join(sorted(known))}. No key was made.")
    return frozenset(Scope(word) for word in words)


def parse_public_key(pem: str) -> bytes:
    """The 32 bytes of an Ed25519 public key in PEM. Raises `KeyRefused` for anything else."""
    if "PRIVATE KEY" in pem:
        raise KeyRefused("this is a private key: nobody needs it but you. Give the public half. No key was made.")
    lines = pem.split()
    text = " ".join(lines)
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise KeyRefused("this is not a public key in PEM (-----BEGIN PUBLIC KEY-----). No key was made.")
    try:
        der = base64.b64decode(text[len(_BEGIN) : -len(_END)].replace(" ", ""), validate=True)
    except binascii.Error:
        der = b""
    point = der.removeprefix(_SPKI_ED25519)
    if len(der) != len(_SPKI_ED25519) + 32 or len(point) != 32 or not crypto_core_ed25519_is_valid_point(point):
        raise KeyRefused("this is not an Ed25519 public key (others, such as RSA, are not supported). No key was made.")
    return point


class KeyRing:
    """All API keys. `find` answers from memory; a revoked key is gone from it before `revoke` returns."""

    __slots__ = ("_clock", "_db", "_living", "_vault")

    def __init__(self, db: apsw.Connection, vault: Vault, clock: Clock) -> None:
        """Read all living keys. Raises `EnvelopeBroken` when a secret does not open."""
        self._db = db
        self._vault = vault
        self._clock = clock
        self._living: dict[str, ApiKey] = {}
        for row in db.execute(f"{_SELECT} WHERE revoked = 0"):
            key = self._open(row)
            self._living[key.api_key] = key

    def find(self, api_key: str) -> ApiKey | None:
        """The living key of that name. Ask again for each request: a revoked key is no longer found."""
        return self._living.get(api_key)

    def create(
        self,
        account: AccountId,
        scopes: frozenset[Scope],
        kind: Kind,
        public_key_pem: str | None = None,
        label: str = "",
    ) -> NewKey:
        """Make a key; it works at once. Raises `KeyRefused`."""
        point = parse_public_key(public_key_pem) if kind == "ed25519" and public_key_pem else None
        self._refuse(account, scopes, kind, public_key_pem, label)
        if Scope.TRADE in scopes:
            scopes |= {Scope.READ}
        api_key = self._clock.token(KEY_CHARS)
        secret = self._clock.token(KEY_CHARS) if point is None else None
        key = ApiKey(
            *(api_key, account, scopes, kind, label, self._clock.now()),
            secret=secret.encode() if secret else b"",
            verify_key=VerifyKey(point) if point else None,
            mac=Mac(secret.encode()) if secret else None,
        )
        sealed = self._vault.seal(_record(api_key), key.secret) if secret else None
        self._db.execute(
            "INSERT INTO api_keys (api_key, account, kind, scopes, label, secret, public_key, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (api_key, account, kind, " ".join(sorted(scopes)), label, sealed, point, key.created),
        )
        self._living[api_key] = key
        return NewKey(api_key, secret, key)

    def _refuse(
        self, account: AccountId, scopes: frozenset[Scope], kind: Kind, public_key_pem: str | None, label: str
    ) -> None:
        if not scopes:
            raise KeyRefused("a key needs a scope: read or trade. No key was made.")
        if (kind == "ed25519") != bool(public_key_pem):
            raise KeyRefused("an Ed25519 key, and no other, comes with its public key. No key was made.")
        if len(label) > MAX_LABEL or not label.isprintable():
            raise KeyRefused(f"a label has at most {MAX_LABEL} printable characters. No key was made.")
        if sum(key.account == account for key in self._living.values()) >= MAX_KEYS:
            raise KeyRefused(
                f"the account has {MAX_KEYS} living keys, the most there may be. Revoke one. No key was made."
            )

    def revoke(self, api_key: str) -> ApiKey:
        """Kill a key for good and erase its secret. Raises `KeyRefused` when no living key has that name."""
        key = self._living.get(api_key)
        if key is None:
            raise KeyRefused("no living API key has that name. Nothing was changed; `exchange key list` shows all.")
        now = self._clock.now()
        self._db.execute("UPDATE api_keys SET revoked = ?, secret = NULL WHERE api_key = ?", (now, api_key))
        del self._living[api_key]
        return msgspec.structs.replace(key, revoked=now, secret=b"", mac=None)

    def list(self, account: AccountId | None = None, after: str = "", limit: int = -1) -> list[ApiKey]:
        """Keys of an account, or of everybody, revoked ones too, sorted by name and without secrets.

        Those after the name `after`, `limit` of them at most (-1: all).
        """
        whose, values = ("", (after, limit)) if account is None else ("account = ? AND ", (account, after, limit))
        rows = self._db.execute(f"{_SELECT} WHERE {whose}api_key > ? ORDER BY api_key LIMIT ?", values)
        return [_bare(row) for row in rows]

    def _open(self, row: _Row) -> ApiKey:
        key, sealed = _bare(row), row[7]
        if sealed is None:
            return key
        secret = self._vault.open(_record(key.api_key), sealed)
        return msgspec.structs.replace(key, secret=secret, mac=Mac(secret))


_Row = tuple[str, int, Kind, str, str, int, int, bytes | None, bytes | None]
_SELECT: Final = "SELECT api_key, account, kind, scopes, label, created, revoked, secret, public_key FROM api_keys"


def _record(api_key: str) -> str:
    return f"api_keys:{api_key}"


def _bare(row: _Row) -> ApiKey:
    """The key of a row, but for its secret."""
    api_key, account, kind, scopes, label, created, revoked, _, point = row
    return ApiKey(
        *(api_key, AccountId(account), frozenset(map(Scope, scopes.split())), kind, label, Micros(created)),
        revoked=Micros(revoked),
        verify_key=VerifyKey(point) if point else None,
    )
