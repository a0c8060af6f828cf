"""The commands about keys: how they are called. What they do is in `verbs`, imported only when one runs.

A passphrase is typed unseen or read from a pipe, a line each; never from the command line or the environment.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives the type no public name

DEFAULT_DIR: Final = Path("data")


def add_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add this room's commands to the command line."""
    about = "Make and keep the wallet: its seed is in the signer, a process of its own that can say no."
    group = commands.add_parser("wallet", help=about, description=about, epilog="example: exchange wallet status")
    verbs = group.add_subparsers(title="verbs", required=True, dest="verb", metavar="VERB")
    _making(verbs)
    _keeping(verbs)
    _people(verbs)
    _cold(commands)


def run(arguments: argparse.Namespace) -> int:
    """Run a command of this room; the process's exit status."""
    from exchange.cli_wallet.running import run_wallet  # noqa: PLC0415  # `--help` needs none of it

    return run_wallet(arguments)


def _making(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Make a wallet: a fresh seed (or one from its 24 words) under a passphrase, with the signer's own limits."
    make = _verb(verbs, "init", about, "exchange wallet init --rules signer.toml --dir data")
    make.add_argument("--rules", type=Path, required=True, help="the signer's limits (see `exchange wallet rules`)")
    make.add_argument(
        "--from-words", action="store_true", help="type the 24 words of an old wallet; its record is to be restored too"
    )
    about = "Show the seed's 24 words, this once, and check them by typing them in again."
    _verb(verbs, "backup-seed", about, "exchange wallet backup-seed --dir data")
    about = "Put the vault under a new passphrase: the old one opens it no more."
    _verb(verbs, "rotate", about, "exchange wallet rotate --dir data")


def _keeping(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Show how the signer stands: locked or not, how much it has signed, whether its memory is guarded."
    _verb(verbs, "status", about, "exchange wallet status --dir data")
    about = "Open the vault of a running server's signer; the server relays the sealed passphrase and cannot read it."
    _verb(verbs, "unlock", about, "exchange wallet unlock --dir data")
    about = "Show an example of the signer's limits, or seal new ones into the vault."
    rules = _verb(verbs, "rules", about, "exchange wallet rules --set signer.toml --dir data")
    rules.add_argument("--set", type=Path, dest="new", help="the file with the new limits (default: show an example)")
    about = "Add a cold wallet's extended public key, once two implementations agree on its first 20 addresses."
    xpub = _verb(verbs, "import-xpub", about, "exchange wallet import-xpub BTC zpub6rFR7y4Q2Aij --dir data")
    xpub.add_argument("chain", help="the chain's name in the signer's limits")
    xpub.add_argument("xpub", help="xpub, zpub, tpub or vpub of an account; or one plain address")


def _people(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Say whose approvals the signer believes; every change asks for the passphrase."
    group = verbs.add_parser(
        "approver", help=about, description=about, epilog="example: exchange wallet approver list --dir data"
    )
    below = group.add_subparsers(title="verbs", required=True, dest="below", metavar="VERB")
    add = _verb(below, "approver add", "Let somebody approve.", f"exchange wallet approver add ann {'5f' * 32}")
    add.add_argument("name", help="who it is; one person has one key")
    add.add_argument("key", help="Ed25519 public key, 64 hexadecimal digits")
    remove = _verb(below, "approver remove", "Let somebody approve no more.", "exchange wallet approver remove ann")
    remove.add_argument("name", help="who it is")
    _verb(below, "approver list", "List who may approve.", "exchange wallet approver list --dir data")


def _cold(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Refill the hot wallet from cold: a transaction goes out unsigned, comes back signed, and must be the same."
    group = commands.add_parser(
        "cold", help=about, description=about, epilog="example: exchange cold export BTC 1.5 --out refill.psbt"
    )
    verbs = group.add_subparsers(title="verbs", required=True, dest="verb", metavar="VERB")
    about = "Write the unsigned transaction: a PSBT (base64), or an EVM transaction of type 2 (JSON)."
    out = _verb(verbs, "cold export", about, "exchange cold export BTC 1.5 --out refill.psbt --dir data")
    out.add_argument("chain", help="the chain's name in exchange.toml")
    out.add_argument("amount", help="a plain decimal number")
    out.add_argument("--asset", help="a token's name in the signer's limits (default: the chain's own coin)")
    out.add_argument("--out", type=Path, required=True, help="the file to write; it must not exist")
    about = "Compare what came back with what went out, field by field, and send it if it is the same."
    back = _verb(verbs, "cold import", about, "exchange cold import BTC refill.psbt signed.psbt --dir data")
    back.add_argument("chain", help="the chain's name in exchange.toml")
    back.add_argument("exported", type=Path, help="the file that went out")
    back.add_argument("signed", type=Path, help="the signed PSBT or transaction that came back")


def _verb(verbs: Subparsers[argparse.ArgumentParser], does: str, about: str, example: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(does.rsplit(maxsplit=1)[-1], help=about, description=about, epilog=f"example: {example}")
    verb.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    verb.set_defaults(run=run, does=does)
    return verb
