"""What is typed unseen, or read from a pipe: passphrases and the words of a seed."""

from __future__ import annotations

import getpass
import sys
from typing import Final

from exchange.custody.signer.keystore import check_passphrase
from exchange.custody.wallet import WalletRefused

_LONGEST: Final = 4_096


def passphrase(prompt: str = "passphrase of the vault: ") -> bytes:
    """A passphrase that opens something."""
    return _line(prompt).encode()


def new_passphrase() -> bytes:
    """A passphrase that is to be used from now on; at a terminal it is typed twice. Raises `WalletRefused`."""
    said = _line("new passphrase: ").encode()
    if wrong := check_passphrase(said):
        raise WalletRefused(f"{wrong}. Nothing was changed.")
    if sys.stdin.isatty() and _line("the same again: ").encode() != said:
        raise WalletRefused("the two differ. Nothing was changed.")
    return said


def seed_words() -> str:
    """The 24 words, in one line."""
    return _line("the 24 words, in one line: ")


def _line(prompt: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline(_LONGEST).rstrip("\r\n")
