"""What lies in the signer's folder: vault, record, standing key, and the one file that is for everybody.

`public.json` tells the server which addresses are ours; the rest belongs to the signer's user alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from exchange.custody.derivation import ACCOUNTS, account_of, account_path
from exchange.custody.port import Purpose
from exchange.custody.signer.keystore import Secrets, VaultDamaged
from exchange.custody.signer.rules import read_rules
from exchange.custody.signer.seed import root, seed_of

CREDENTIAL: Final = "signer-passphrase"
"""Name of the systemd credential."""
_KEY_SIZE: Final = 32


class Folder:
    """The files, by name."""

    def __init__(self, path: Path) -> None:
        """`path` is the folder, 0700, of the signer's user."""
        self.path = path
        self.vault = path / "vault.json"
        self.record = path / "record.db"
        self.identity = path / "identity.key"
        self.public = path / "public.json"


class Listed(msgspec.Struct, frozen=True):
    """An asset of the signer's rules: its contract, "" for the chain's own coin, and the places of its amounts."""

    contract: str
    decimals: int


class Wallet(msgspec.Struct, frozen=True):
    """One chain's public keys: of each account, and of what is kept elsewhere. `assets` by their names in the rules."""

    form: str
    identity: str
    accounts: tuple[str, ...]
    cold: tuple[str, ...] = ()
    assets: dict[str, Listed] = {}

    def xpub(self, purpose: Purpose) -> str:
        """The account-level key that a purpose's addresses come from (`derivation.branch_of` says which branch)."""
        return self.accounts[account_of(purpose)]


class Public(msgspec.Struct, frozen=True):
    """What the server may know. `identity` is the signer's standing public key (Ed25519), in hexadecimal."""

    identity: str
    wallets: dict[str, Wallet]


def write_identity(folder: Folder, key: bytes) -> None:
    """A new standing key, 0600. Raises `FileExistsError`."""
    handle = os.open(folder.identity, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


def read_identity(folder: Folder) -> bytes:
    """The standing key. Raises `VaultDamaged`."""
    try:
        key = folder.identity.read_bytes()
    except OSError as error:
        raise VaultDamaged(
            f"{folder.identity}: the signer's standing key cannot be read ({error.strerror}). "
            "`exchange wallet init` makes a new wallet; an old one needs its own folder."
        ) from error
    if len(key) != _KEY_SIZE:
        raise VaultDamaged(f"{folder.identity}: this is no key. Bring the file from the backup.")
    return key


def public_of(secrets: Secrets, identity: bytes) -> Public:
    """What follows from the vault for everybody. Raises `BadRules`."""
    tree = root(seed_of(secrets.entropy))
    wallets = {
        name: Wallet(
            chain.form,
            chain.identity,
            tuple(tree.below(account_path(chain.form, account)).xpub().text() for account in ACCOUNTS),
            secrets.cold.get(name, ()),
            {asset.name: Listed(contract, asset.decimals) for contract, asset in chain.assets.items()},
        )
        for name, chain in read_rules(secrets.rules).items()
    }
    return Public(identity.hex(), wallets)


def write_public(folder: Folder, public: Public) -> None:
    """Replace the file for everybody."""
    beside = folder.public.with_suffix(".new")
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(public)) + b"\n")
    beside.chmod(0o644)
    beside.replace(folder.public)


def read_public(folder: Folder) -> Public:
    """What the signer's folder tells everybody. Raises `VaultDamaged`."""
    try:
        return msgspec.json.decode(folder.public.read_bytes(), type=Public)
    except OSError as error:
        raise VaultDamaged(
            f"{folder.public}: there is no wallet here ({error.strerror}). `exchange wallet init` makes one."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VaultDamaged(f"{folder.public}: this is not what the signer wrote. `exchange wallet status`.") from error
