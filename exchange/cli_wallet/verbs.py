"""A wallet's daily commands: how the signer stands, unlocking it, its limits, its approvers, its cold keys."""

from __future__ import annotations

import argparse
from typing import Final

from exchange.admin import wire
from exchange.admin.client import AdminClient
from exchange.cli_people.desk import Desk
from exchange.cli_people.tables import fail, say, table
from exchange.cli_wallet import typed
from exchange.cli_wallet.making import SIGNER, read_text
from exchange.clock import SystemClock
from exchange.custody import wallet
from exchange.custody.derivation import read_xpub
from exchange.custody.second_opinion import agreed
from exchange.custody.signer.client import seal
from exchange.custody.signer.folder import Folder, read_public
from exchange.custody.signer.rules import EXAMPLE, read_rules
from exchange.custody.treasury.cold import cold_addresses, is_address

_SHOWN: Final = 3
_LATER: Final = "A running signer keeps to what it was unlocked with: `exchange wallet unlock` after a restart."


def rules(arguments: argparse.Namespace) -> int:
    """`exchange wallet rules`."""
    if arguments.new is None:
        say(EXAMPLE.rstrip())
        return 0
    text = read_text(arguments.new)
    with wallet.changing(arguments.dir / SIGNER, typed.passphrase(), SystemClock()) as vault:
        vault.change(wallet.with_rules(vault.secrets, text))
    say(f"The new limits are sealed: {', '.join(read_rules(text))}. {_LATER}")
    return 0


def import_xpub(arguments: argparse.Namespace) -> int:
    """`exchange wallet import-xpub`."""
    folder = arguments.dir / SIGNER
    known = read_public(Folder(folder)).wallets
    if arguments.chain not in known:
        return fail(f"the wallet has no chain {arguments.chain} (there are: {', '.join(known)}). Nothing was changed.")
    form = known[arguments.chain].form
    plain = is_address(form, arguments.xpub)
    first = cold_addresses(form, arguments.xpub, 1) if plain else agreed(form, read_xpub(arguments.xpub))
    said = arguments.xpub if plain else read_xpub(arguments.xpub).text()
    if said in known[arguments.chain].accounts:
        return fail("this key is the hot wallet's own: coins sent there would not be cold. Nothing was changed.")
    with wallet.changing(folder, typed.passphrase(), SystemClock()) as vault:
        vault.change(wallet.with_cold(vault.secrets, arguments.chain, said))
    say(f"Coins of {arguments.chain} may be sent there for keeping. Compare with the cold wallet's own display:")
    for number, address in enumerate(first[:_SHOWN]):
        say(f"{number} {address}")
    if not plain:
        say(f"Two implementations agree on the first {len(first)} addresses. {_LATER}")
    return 0


def add_approver(arguments: argparse.Namespace) -> int:
    """`exchange wallet approver add`."""
    try:
        key = bytes.fromhex(arguments.key)
    except ValueError:
        return fail("a key has 64 hexadecimal digits. Nothing was changed.")
    with wallet.changing(arguments.dir / SIGNER, typed.passphrase(), SystemClock()) as vault:
        vault.change(wallet.with_approver(vault.secrets, arguments.name, key))
    say(f"The signer believes {arguments.name}'s approvals. {_LATER}")
    return 0


def remove_approver(arguments: argparse.Namespace) -> int:
    """`exchange wallet approver remove`."""
    with wallet.changing(arguments.dir / SIGNER, typed.passphrase(), SystemClock()) as vault:
        vault.change(wallet.without_approver(vault.secrets, arguments.name))
    say(f"The signer believes {arguments.name} no more. {_LATER}")
    return 0


def list_approvers(arguments: argparse.Namespace) -> int:
    """`exchange wallet approver list`."""
    with wallet.changing(arguments.dir / SIGNER, typed.passphrase(), SystemClock()) as vault:
        table(("name", "key"), [(name, key.hex()) for name, key in sorted(vault.secrets.approvers.items())])
    return 0


async def status(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange wallet status`."""
    view, public = await desk.call(wire.ShowWallet()), read_public(Folder(arguments.dir / SIGNER))
    say(f"the vault is {'unlocked' if view.unlocked else 'locked'}")
    if view.unlocked:
        say(f"signed so far: {view.rows} drafts; the record's head is {view.head or 'empty'} (keep a copy elsewhere)")
        say(f"chains: {', '.join(view.chains)}; approvers: {', '.join(view.approvers) or 'nobody'}")
    say(f"its memory {'is' if view.memory_locked else 'is NOT'} locked against swapping, and cannot be dumped")
    say(f"its standing key: {public.identity}")


async def unlock(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange wallet unlock`."""
    if not isinstance(desk, AdminClient):
        raise wallet.WalletRefused("no server is running here, so there is no signer to unlock. Nothing was changed.")
    view, public = await desk.call(wire.ShowWallet()), read_public(Folder(arguments.dir / SIGNER))
    if view.unlocked:
        say("the vault is unlocked already.")
        return
    box, proof = bytes.fromhex(view.box), bytes.fromhex(view.proof)
    sealed = seal(typed.passphrase(), box, proof, bytes.fromhex(public.identity))
    opened = await desk.call(wire.UnlockWallet(sealed.hex()))
    say(f"the vault is unlocked: {opened.rows} drafts on record, chains {', '.join(opened.chains)}.")
