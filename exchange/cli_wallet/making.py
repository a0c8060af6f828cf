"""Making a wallet, and what is done with its seed: the backup on paper, and another passphrase."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec

from exchange.cli_people.tables import fail, say
from exchange.cli_wallet import typed
from exchange.clock import SystemClock
from exchange.custody import wallet
from exchange.custody.derivation import EVM, account_of, account_path, path_text, read_xpub
from exchange.custody.port import Purpose
from exchange.custody.second_opinion import agreed
from exchange.custody.signer import keystore, seed
from exchange.custody.signer.folder import Public
from exchange.custody.signer.rules import BadRules

SIGNER: Final = "signer"
"""The signer's folder inside the data folder."""


def make_wallet(arguments: argparse.Namespace) -> int:
    """`exchange wallet init`."""
    rules = read_text(arguments.rules)
    passphrase = typed.new_passphrase()
    entropy = None
    if arguments.from_words:
        entropy = seed.entropy_of(typed.seed_words())
        if entropy is None:
            return fail("these are not 24 words of a seed, or one is mistyped. Nothing was made.")
    path = arguments.dir / SIGNER
    public = wallet.make(
        path, passphrase, rules, SystemClock(), entropy=entropy, memory=keystore.MEMORY, check=_compare
    )
    _tell(path, public, restored=entropy is not None)
    return 0


def read_text(path: Path) -> str:
    """A file with rules. Raises `BadRules`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRules(f"{path}: {error}") from error


def _compare(public: Public) -> None:
    """The second opinion on every chain's deposit addresses. Raises `Disagreement`."""
    for form, xpub in {(one.form, one.xpub(Purpose.DEPOSIT)) for one in public.wallets.values()}:
        agreed(form, read_xpub(xpub))


def _tell(path: Path, public: Public, *, restored: bool) -> None:
    say(f"{path}: the wallet is made. Two implementations agree on the first 20 deposit addresses of each chain.")
    for name, one in public.wallets.items():
        for purpose in (Purpose.DEPOSIT, Purpose.HOT, Purpose.GAS):
            if purpose is Purpose.GAS and one.form != EVM:
                continue
            place = path_text(account_path(one.form, account_of(purpose)))
            say(f"{name} {purpose.name.lower()} {place} {one.xpub(purpose)}")
    if restored:
        say("Bring the signer's record from its backup before anything is paid: what it forgot would be paid again.")
    else:
        say("Now write down the seed: exchange wallet backup-seed. Back up this folder apart from the rest.")


def backup_seed(arguments: argparse.Namespace) -> int:
    """`exchange wallet backup-seed`."""
    with wallet.changing(arguments.dir / SIGNER, typed.passphrase(), SystemClock()) as vault:
        if vault.secrets.backed_up:
            return fail("the words were shown and checked already; they are shown once. Nothing was shown.")
        words = seed.words(vault.secrets.entropy)
        for number, word in enumerate(words, 1):
            say(f"{number:2} {word}")
        sys.stdout.flush()
        if seed.entropy_of(typed.seed_words()) != vault.secrets.entropy:
            return fail("what was typed differs from the words. Nothing was changed; run it again.")
        vault.change(msgspec.structs.replace(vault.secrets, backed_up=True))
    say("The words are right. They are not shown again; whoever reads them can spend everything.")
    return 0


def rotate(arguments: argparse.Namespace) -> int:
    """`exchange wallet rotate`."""
    old, new = typed.passphrase("old passphrase: "), typed.new_passphrase()
    with wallet.changing(arguments.dir / SIGNER, old, SystemClock()) as vault:
        vault.rotate(new, keystore.MEMORY)
    say("The vault opens with the new passphrase alone. Old copies of the file still open with the old one.")
    return 0
