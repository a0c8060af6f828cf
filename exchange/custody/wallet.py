"""What an operator does to a wallet: make it, change its rules, approvers and cold keys. No signer needs to run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from nacl.bindings import crypto_core_ed25519_BYTES, crypto_core_ed25519_is_valid_point
from nacl.signing import SigningKey

from exchange.clock import Clock
from exchange.custody.signer import keystore
from exchange.custody.signer.folder import Folder, Public, public_of, read_identity, write_identity, write_public
from exchange.custody.signer.keystore import Secrets, Vault, VaultDamaged
from exchange.custody.signer.record import create_record
from exchange.custody.signer.rules import read_rules
from exchange.custody.treasury.cold import cold_addresses


class WalletRefused(Exception):
    """What was asked makes no sense for this wallet. Nothing was changed."""


def make(
    path: Path,
    passphrase: bytes,
    rules: str,
    clock: Clock,
    *,
    entropy: bytes | None = None,
    memory: int = keystore.MEMORY,
    check: Callable[[Public], None] = lambda _public: None,
) -> Public:
    """A new wallet in a new folder: vault, standing key, empty record, public file; from `entropy`, or a fresh seed.

    `check` may raise before anything is written.
    Raises `BadRules`, `WalletRefused`, and `VaultDamaged` where a wallet is already.
    """
    read_rules(rules)
    if wrong := keystore.check_passphrase(passphrase):
        raise WalletRefused(f"{wrong}. Nothing was made.")
    folder = Folder(path)
    if folder.vault.exists():
        raise VaultDamaged(f"{folder.vault}: there is a vault already. It was not touched; without it no coin moves.")
    secrets = keystore.fresh(clock, rules)
    if entropy is not None:
        secrets = msgspec.structs.replace(secrets, entropy=entropy, backed_up=True)
    standing = clock.token_bytes(32)
    check(public_of(secrets, bytes(SigningKey(standing).verify_key)))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for leftover in (folder.record, folder.identity):  # of a making that was cut short: no vault, so nothing was signed
        leftover.unlink(missing_ok=True)
    write_identity(folder, standing)
    create_record(folder.record)
    keystore.create(folder.vault, passphrase, secrets, clock, memory)
    return publish(folder, secrets)


def publish(folder: Folder, secrets: Secrets) -> Public:
    """Write and return what the server may know."""
    public = public_of(secrets, bytes(SigningKey(read_identity(folder)).verify_key))
    write_public(folder, public)
    return public


@contextmanager
def changing(path: Path, passphrase: bytes, clock: Clock) -> Iterator[Vault]:
    """The opened vault, to be changed by one command at a time; a running signer sees it when it is next unlocked."""
    folder = Folder(path)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        vault = keystore.open_vault(folder.vault, passphrase, clock)
        yield vault
        publish(folder, vault.secrets)
    finally:
        os.close(handle)


def with_rules(secrets: Secrets, rules: str) -> Secrets:
    """Other limits. Raises `BadRules`."""
    read_rules(rules)
    return msgspec.structs.replace(secrets, rules=rules)


def with_approver(secrets: Secrets, name: str, key: bytes) -> Secrets:
    """One more who may approve. Raises `WalletRefused` for a name or a key that is there, or a key that is none."""
    if len(key) != crypto_core_ed25519_BYTES or not crypto_core_ed25519_is_valid_point(key):
        raise WalletRefused("this is no Ed25519 public key of 32 bytes. Nothing was changed.")
    if not (name.isprintable() and 0 < len(name) <= 64):
        raise WalletRefused("a name has 1 to 64 printable letters. Nothing was changed.")
    if name in secrets.approvers or key in secrets.approvers.values():
        raise WalletRefused("this name or this key approves already: one person, one key. Nothing was changed.")
    return msgspec.structs.replace(secrets, approvers={**secrets.approvers, name: key})


def without_approver(secrets: Secrets, name: str) -> Secrets:
    """One fewer. Raises `WalletRefused`."""
    if name not in secrets.approvers:
        raise WalletRefused(f"nobody called {name} approves. Nothing was changed.")
    left = {known: key for known, key in secrets.approvers.items() if known != name}
    return msgspec.structs.replace(secrets, approvers=left)


def with_cold(secrets: Secrets, chain: str, said: str) -> Secrets:
    """An extended public key, or one address, that coins may be sent to for keeping. Raises `WalletRefused`, `BadXpub`.

    What two implementations say of an extended key is compared before (`second_opinion`).
    """
    rules = read_rules(secrets.rules)
    if chain not in rules:
        raise WalletRefused(f"the rules know no chain {chain}. Nothing was changed.")
    cold_addresses(rules[chain].form, said, 1)
    known = secrets.cold.get(chain, ())
    if said in known:
        raise WalletRefused("it is known already. Nothing was changed.")
    return msgspec.structs.replace(secrets, cold={**secrets.cold, chain: (*known, said)})
