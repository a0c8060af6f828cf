"""The commands about money that leaves: how they are called. What they do is in `withdrawal_verbs`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.cli_people.ways_options import Group, Listed, Subparsers, Verb


def add_withdrawals(
    commands: Subparsers[argparse.ArgumentParser], group: Group, verb: Verb, list_options: Listed
) -> None:
    """Add `withdrawal` and `approver`, made as the other commands of this room are."""
    verbs = group(commands, "withdrawal", "Look at withdrawals, approve and reject them, stop and resume payouts.")
    _looking(verbs, verb, list_options)
    _deciding(verbs, verb)
    _limiting(verbs, verb)
    about = "Your own key that approves withdrawals, and everybody's."
    _approvers(group(commands, "approver", about), verb, list_options)


def _looking(verbs: Subparsers[argparse.ArgumentParser], verb: Verb, list_options: Listed) -> None:
    about = "List withdrawals, newest first: those that have not ended, those that wait for approval, or all."
    every = verb(verbs, "withdrawal list", about, "exchange withdrawal list --waiting --csv")
    which = every.add_mutually_exclusive_group()
    which.add_argument("--waiting", action="store_const", dest="which", const="waiting", help="that wait for approval")
    which.add_argument("--all", action="store_const", dest="which", const="all", help="ended ones too")
    every.set_defaults(which="open")
    list_options(every, "id, account, asset, network, address, state, reason or transaction")
    about = "Show a withdrawal: what an approval signs, who approved it, its transactions."
    verb(verbs, "withdrawal show", about, "exchange withdrawal show ID").add_argument("id", help="its id")
    about = "List the chains and whether their payouts go or stand still, and why."
    chains = verb(verbs, "withdrawal chains", about, "exchange withdrawal chains --csv")
    list_options(chains, "the chain's name")


def _deciding(verbs: Subparsers[argparse.ArgumentParser], verb: Verb) -> None:
    about = "Approve a withdrawal with your own key: you are shown what you sign, and asked for your passphrase."
    one = verb(verbs, "withdrawal approve", about, "exchange withdrawal approve ID --key ann.key")
    one.add_argument("id", help="its id")
    one.add_argument("--key", type=Path, required=True, metavar="FILE", help="your key, from `exchange approver make`")
    one.add_argument("--yes", action="store_true", help="do not ask again whether that is what you mean")
    about = "Reject a withdrawal; its money goes back. Not once it may be on its way."
    one = verb(verbs, "withdrawal reject", about, 'exchange withdrawal reject ID "the destination is unknown"')
    one.add_argument("id", help="its id")
    one.add_argument("reason", help="why; its owner sees it")
    about = "Say that a withdrawal was paid although its transaction moved something else (alarm `payout unclear`)."
    one = verb(verbs, "withdrawal settle", about, 'exchange withdrawal settle ID "its recipient has it"')
    one.add_argument("id", help="its id")
    one.add_argument("reason", help="how you know; kept in the trail")
    about = "Give back what was under way, once the chain proves that it is never paid."
    one = verb(verbs, "withdrawal return", about, 'exchange withdrawal return ID "the coin it spends is gone for good"')
    one.add_argument("id", help="its id")
    one.add_argument("reason", help="why; its owner sees it")
    about = "After a restore: its account pays now what was paid and the ledger has forgotten."
    one = verb(verbs, "withdrawal book", about, 'exchange withdrawal book ID "paid after the backup was made"')
    one.add_argument("id", help="its id, from the alarm `withdrawal differs`")
    one.add_argument("reason", help="why; kept in the trail")
    about = "Pay nothing more on a chain, at once. What was sent already is followed."
    one = verb(verbs, "withdrawal stop", about, 'exchange withdrawal stop BTC "the node looks wrong"')
    one.add_argument("chain", help="the chain's name")
    one.add_argument("reason", help="why; the next operator reads it")
    about = "Let payouts on a chain go on, once you have looked."
    verb(verbs, "withdrawal resume", about, "exchange withdrawal resume BTC").add_argument("chain", help="its name")


def _limiting(verbs: Subparsers[argparse.ArgumentParser], verb: Verb) -> None:
    about = (
        "Say how much of an asset may be withdrawn before payouts stop (or, of one account, wait); 0: no limit. "
        "A limit that is not named stays as it is."
    )
    one = verb(verbs, "withdrawal limit", about, "exchange withdrawal limit BTC --hour 5 --day 20 --account-day 2")
    one.add_argument("asset", help="the asset's code")
    for name, what in (("hour", "all accounts in an hour"), ("day", "all accounts in a day")):
        one.add_argument(f"--{name}", metavar="AMOUNT", help=f"by {what}: beyond it payouts stop")
    for name, what in (("account-hour", "one account in an hour"), ("account-day", "one account in a day")):
        one.add_argument(f"--{name}", metavar="AMOUNT", help=f"by {what}: beyond it they wait")
    about = "List those limits, and what was asked for in that time."
    verb(verbs, "withdrawal limits", about, "exchange withdrawal limits --csv").add_argument(
        "--csv", action="store_true", help="comma-separated, for a spreadsheet"
    )


def _approvers(verbs: Subparsers[argparse.ArgumentParser], verb: Verb, list_options: Listed) -> None:
    about = "Make your own key, in a new file under a passphrase of yours, and register its public half."
    make = verb(verbs, "approver make", about, "exchange approver make ann.key")
    make.add_argument("file", type=Path, help="where the key goes; keep it to yourself")
    about = "Register the public half of a key that you have, in the place of any earlier one of yours."
    verb(verbs, "approver register", about, "exchange approver register ann.key").add_argument(
        "file", type=Path, help="your key"
    )
    every = verb(verbs, "approver list", "List keys, revoked ones too.", "exchange approver list --csv")
    list_options(every, "operator or key")
    about = "Let an operator's key approve nothing more."
    verb(verbs, "approver revoke", about, "exchange approver revoke ann").add_argument("operator", help="his name")
