"""The commands about people: how they are called.

What they do is in `verbs`, which is imported only when one runs, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from exchange.cli_people.act_options import add_acts
from exchange.cli_people.ways_options import add_ways
from exchange.cli_people.withdrawal_options import add_withdrawals

Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives the type no public name

DEFAULT_DIR: Final = Path("data")
_ROLES: Final = ("operations", "auditor", "treasury")


def add_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """Add this room's commands to the command line."""
    _account_commands(commands)
    _key_commands(commands)
    _credit_command(commands)
    _operator_commands(commands)
    _audit_commands(commands)
    add_ways(commands, _group, _verb, _list_options)
    _chain_commands(commands)
    _deposit_commands(commands)
    add_withdrawals(commands, _group, _verb, _list_options)
    add_acts(commands, _group, _verb, _list_options)


def run(arguments: argparse.Namespace) -> int:
    """Run a command of this room; the process's exit status."""
    from exchange.cli_people.desk import run_at_desk  # noqa: PLC0415  # `--help` needs none of it
    from exchange.cli_people.verbs import AT_DESK, verify_audit  # noqa: PLC0415

    if arguments.does == "audit verify":
        return verify_audit(arguments)
    return run_at_desk(AT_DESK[arguments.does], arguments)


def _account_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    verbs = _group(commands, "account", "Open traders' accounts, list them, look at one.")
    create = _verb(verbs, "account create", "Open an account.", "exchange account create alice")
    create.add_argument("name", help="a name that nobody else has")
    create.add_argument("--tier", type=int, default=0, help="fee tier (default: 0)")
    every = _verb(verbs, "account list", "List accounts.", "exchange account list --match ali --csv")
    _list_options(every, "the name")
    show = _verb(verbs, "account show", "Show an account and its balances.", "exchange account show alice")
    show.add_argument("account", help="name or id")
    about = "Freeze an account: it can cancel orders, and neither place any nor withdraw."
    freeze = _verb(verbs, "account freeze", about, "exchange account freeze alice --reason 'stolen phone'")
    about = "Let a frozen account go on. What it owes since a deposit was undone, it owes on: `account show` tells."
    thaw = _verb(verbs, "account thaw", about, "exchange account thaw alice --reason 'she came with her passport'")
    for verb in (freeze, thaw):
        verb.add_argument("account", help="name or id")
        verb.add_argument("--reason", required=True, help="kept in the journal and in the trail")
    about = "Move an account to another tier: what it pays and may withdraw are that tier's from then on."
    tier = _verb(verbs, "account tier", about, "exchange account tier alice 1")
    tier.add_argument("account", help="name or id")
    tier.add_argument("tier", type=int, help="the tier's number")


def _key_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    verbs = _group(commands, "key", "Make, list, limit and revoke traders' API keys.")
    example = "exchange key create alice --scope trade --ip 203.0.113.0/24 --ed25519 public.pem"
    create = _verb(verbs, "key create", "Make an API key. Its secret is shown once.", example)
    create.add_argument("account", help="name or id")
    create.add_argument(
        "--scope", action="append", required=True, help="read, trade or withdraw (both include read); may be repeated"
    )
    create.add_argument(
        "--ed25519",
        type=Path,
        metavar="PEMFILE",
        help="your Ed25519 public key (default: an HMAC-SHA256 secret is made)",
    )
    create.add_argument("--label", default="", help="what the key is for")
    create.add_argument(
        "--ip",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="an address or network from which it may be used, IPv4 or IPv6; may be repeated (default: any)",
    )
    about = "List API keys, expired and revoked ones too."
    every = _verb(verbs, "key list", about, "exchange key list --account alice --csv")
    every.add_argument("--account", default="", help="only this account's (name or id)")
    _list_options(every, "key, label or account name")
    about = "Say from which addresses an API key may be used, in place of those said before; at once."
    ips = _verb(verbs, "key ips", about, "exchange key ips KEY 203.0.113.0/24 2001:db8::/48")
    ips.add_argument("api_key", metavar="KEY", help="the API key (see `exchange key list`)")
    where = ips.add_mutually_exclusive_group(required=True)
    where.add_argument("addresses", nargs="*", default=[], metavar="ADDRESS", help="an address or network")
    where.add_argument("--any", action="store_true", help="lift the limit: any address")
    revoke = _verb(verbs, "key revoke", "Revoke an API key, at once and for good.", "exchange key revoke KEY")
    revoke.add_argument("api_key", metavar="KEY", help="the API key (see `exchange key list`)")


def _credit_command(commands: Subparsers[argparse.ArgumentParser]) -> None:
    about = "Credit an account out of nothing; in a demo only."
    command = _verb(commands, "credit", about, "exchange credit alice USDT 1000.50 --dir data/demo")
    command.add_argument("account", help="name or id")
    command.add_argument("asset", help="the asset's code")
    command.add_argument("amount", help="a plain decimal number")
    command.add_argument("--reference", default="", help="makes it safe to repeat: the second time is refused")


def _operator_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    verbs = _group(commands, "operator", "Add, list and remove those who may attach to the admin socket.")
    about = "Add an operator and show, once, the secret for the authenticator app."
    add = _verb(verbs, "operator add", about, "exchange operator add ann --uid ann --role operations")
    add.add_argument("name", help="what the audit trail says; never used twice")
    add.add_argument("--uid", required=True, help="the operator's user on this machine, by number or login name")
    add.add_argument(
        "--role", required=True, choices=_ROLES, help="treasury approves withdrawals; an auditor changes nothing"
    )
    every = _verb(verbs, "operator list", "List operators, removed ones too.", "exchange operator list --csv")
    _list_options(every, "the name")
    remove = _verb(verbs, "operator remove", "Let an operator attach no more.", "exchange operator remove ann")
    remove.add_argument("name")


def _audit_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    verbs = _group(commands, "audit", "Read and verify the trail of what operators did.")
    every = _verb(verbs, "audit list", "List the newest entries.", "exchange audit list --match credit --csv")
    every.add_argument("--limit", type=int, default=100, help="how many, at most 500 (default: 100)")
    _list_options(every, "operator, method or detail")
    about = "Recompute the hash chain; exit 0, or name the first row that was altered, is missing or was cut off."
    verify = _verb(verbs, "audit verify", about, "exchange audit verify --head copy-of-trail.head")
    verify.add_argument("--head", type=Path, help="a copy of trail.head kept elsewhere (default: the folder's own)")


def _chain_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    verbs = _group(commands, "chain", "How the chains are, and what an operator does about them.")
    about = "Every chain: how far it was read, what it waits for, its open alarms."
    _list_options(_verb(verbs, "chain list", about, "exchange chain list --csv"), "the name")
    about = "Let a stopped chain go on, once you have looked at it."
    _verb(verbs, "chain resume", about, "exchange chain resume BTC").add_argument("name", help="the chain's name")
    about = "Say that you have looked at a chain's open alarms."
    _verb(verbs, "chain seen", about, "exchange chain seen BTC").add_argument("name", help="the chain's name")


def _deposit_commands(commands: Subparsers[argparse.ArgumentParser]) -> None:
    verbs = _group(commands, "deposit", "Deposits from chains.")
    about = "List deposits, the newest first, held ones and those that wait too."
    every = _verb(verbs, "deposit list", about, "exchange deposit list --account alice --state held --csv")
    every.add_argument("--account", default="", help="only this account's (name or id)")
    states = ("seen", "confirming", "credited", "held", "orphaned", "swept")
    every.add_argument("--state", default="", choices=states, help="only those in this state")
    _list_options(every, "chain or key")
    about = "Say why a deposit is not credited, and what can safely be done."
    explain = _verb(verbs, "deposit explain", about, "exchange deposit explain 4a5e1e4baab89f3a32518a88c31bc87f")
    explain.add_argument("txid", help="the transaction's id on its chain")


def _group(commands: Subparsers[argparse.ArgumentParser], name: str, about: str) -> Subparsers[argparse.ArgumentParser]:
    group = commands.add_parser(name, help=about, description=about, epilog=f"example: exchange {name} list --dir data")
    return group.add_subparsers(title="verbs", required=True, dest="verb", metavar="VERB")


def _verb(verbs: Subparsers[argparse.ArgumentParser], does: str, about: str, example: str) -> argparse.ArgumentParser:
    """A command of the full name `does`, such as "key list"."""
    verb = verbs.add_parser(does.rsplit(maxsplit=1)[-1], help=about, description=about, epilog=f"example: {example}")
    verb.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=f"the data folder (default: {DEFAULT_DIR})")
    verb.set_defaults(run=run, does=does)
    return verb


def _list_options(verb: argparse.ArgumentParser, where: str) -> None:
    verb.add_argument("--match", default="", help=f"only rows with this in {where}")
    verb.add_argument("--csv", action="store_true", help="comma-separated, for a spreadsheet")
