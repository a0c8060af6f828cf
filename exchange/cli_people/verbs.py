"""What each command about people does: ask at the desk, and print the answer."""

from __future__ import annotations

import argparse
import pwd
import sys
from pathlib import Path
from typing import Final

import segno

from exchange.admin import wire
from exchange.admin.house import Refused
from exchange.cli_people import chain_verbs
from exchange.cli_people.act_verbs import VERBS as ACTS
from exchange.cli_people.desk import Desk, Work, pages
from exchange.cli_people.tables import date, fail, say, table
from exchange.cli_people.ways import WAYS
from exchange.cli_people.withdrawal_verbs import VERBS as WITHDRAWALS
from exchange.office.trail import TrailBroken, read_head, verify_file

MAX_PEM: Final = 4_096
_DAY_CHARS: Final = len("2026-01-31")


async def create_account(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange account create`."""
    row = await desk.call(wire.CreateAccount(arguments.name, arguments.tier))
    say(f"account {row.id} ({row.name}) is open. A key for it: exchange key create {row.id} --scope trade")


async def list_accounts(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange account list`."""

    def ask(last: wire.AccountRow | None) -> wire.ListAccounts:
        return wire.ListAccounts(arguments.match, last.id if last else 0)

    rows = [
        (row.id, row.name, row.tier, "frozen" if row.frozen else "", row.open_orders, date(row.created))
        async for page in pages(desk, ask)
        for row in page
    ]
    table(("id", "name", "tier", "frozen", "open orders", "opened"), rows, as_csv=arguments.csv)


async def show_account(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange account show`."""
    view = await desk.call(wire.ShowAccount(arguments.account))
    row = view.row
    frozen = ", frozen" if row.frozen else ""
    say(f"account {row.id} ({row.name}), tier {row.tier}{frozen}, opened {date(row.created)}")
    say(f"{row.open_orders} open orders")
    owes = any(have.owed for have in view.balances)
    rows = [(have.asset, have.available, have.held, *([have.owed] if owes else [])) for have in view.balances]
    table(("asset", "available", "held", *(["owed"] if owes else [])), rows)


async def freeze_account(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange account freeze` and `exchange account thaw`."""
    freeze = arguments.does == "account freeze"
    view = await desk.call(wire.FreezeAccount(arguments.account, freeze, arguments.reason))
    what = "frozen: it can cancel, and nothing else" if freeze else "thawed"
    say(f"account {view.row.id} ({view.row.name}) is {what}.")
    for have in view.balances:
        if have.owed:
            say(f"it owes {have.owed} {have.asset}: later deposits pay that first.")


async def create_key(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange key create`."""
    pem = _read_pem(arguments.ed25519) if arguments.ed25519 else ""
    scopes, addresses = tuple(arguments.scope), tuple(arguments.ip)
    made = await desk.call(wire.CreateKey(arguments.account, scopes, arguments.label, pem, addresses))
    say(f"key for {made.row.account_name}, scopes: {', '.join(made.row.scopes)}; from {_whence(made.row)}")
    say(f"api key  {made.row.api_key}")
    if made.secret:
        say(f"secret   {made.secret}")
        say("The secret is shown this once and kept nowhere in the clear. A lost one is replaced by a new key.")


def _whence(row: wire.KeyRow) -> str:
    return ", ".join(row.addresses) or "any address"


def _read_pem(path: Path) -> str:
    """A key file's beginning; whether it is a key, the desk says."""
    with path.open("rb") as file:
        return file.read(MAX_PEM).decode("ascii", errors="replace")


async def list_keys(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange key list`."""

    def ask(last: wire.KeyRow | None) -> wire.ListKeys:
        return wire.ListKeys(arguments.account, arguments.match, last.api_key if last else "")

    rows = [_key_line(row) async for page in pages(desk, ask) for row in page]
    what = ("api key", "account", "name", "scopes", "kind", "label", "addresses")
    table((*what, "created", "last used", "expired", "revoked"), rows, as_csv=arguments.csv)


def _key_line(row: wire.KeyRow) -> tuple[object, ...]:
    last_used = date(row.last_used)[:_DAY_CHARS]
    what = (row.api_key, row.account, row.account_name, " ".join(row.scopes), row.kind, row.label)
    return *what, " ".join(row.addresses), date(row.created), last_used, date(row.expired), date(row.revoked)


async def limit_key(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange key ips`."""
    row = await desk.call(wire.LimitKey(arguments.api_key, tuple(arguments.addresses)))
    say(f"{row.api_key} of {row.account_name} may be used from {_whence(row)}, from now on.")


async def revoke_key(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange key revoke`."""
    row = await desk.call(wire.RevokeKey(arguments.api_key))
    say(f"{row.api_key} of {row.account_name} is revoked: it is refused from now on.")


async def credit(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange credit`."""
    ask = wire.CreditAccount(arguments.account, arguments.asset, arguments.amount, arguments.reference)
    balance = await desk.call(ask)
    say(f"credited. {arguments.account} has {balance.available} {balance.asset} available and {balance.held} held.")


async def add_operator(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange operator add`."""
    made = await desk.call(wire.AddOperator(arguments.name, _uid(arguments.uid), arguments.role))
    say(f"{made.row.name} (user id {made.row.uid}) may attach, in the role {made.row.role}.")
    say("Scan this with an authenticator app now; it is shown this once:")
    segno.make(made.totp_uri, error="l").terminal(sys.stdout, compact=True)
    say(f"or type it in: {made.totp_uri}")


def _uid(text: str) -> int:
    """A user id from a number or a login name."""
    if text.isascii() and text.isdecimal():
        return int(text[:12])
    try:
        return pwd.getpwnam(text).pw_uid
    except (KeyError, ValueError) as error:
        raise Refused("bad_uid", f"no user of this machine is called {text}. Nobody was added.") from error


async def list_operators(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange operator list`."""
    rows = (await desk.call(wire.ListOperators())).rows
    wanted = arguments.match.casefold()
    shown = [(row.name, row.uid, row.role, date(row.created), date(row.removed)) for row in rows if wanted in row.name]
    table(("name", "uid", "role", "added", "removed"), shown, as_csv=arguments.csv)


async def remove_operator(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange operator remove`."""
    row = await desk.call(wire.RemoveOperator(arguments.name))
    say(f"{row.name} may attach no more; an open session ends within a second or two.")


async def list_audit(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange audit list`."""
    rows = (await desk.call(wire.TailAudit(limit=arguments.limit))).rows
    wanted = arguments.match.casefold()
    shown = [
        (row.seq, date(row.time), row.operator, row.uid, row.act or "", row.stage, row.method, row.detail)
        for row in rows
        if wanted in f"{row.operator}\n{row.method}\n{row.detail}".casefold()
    ]
    table(("seq", "time", "operator", "uid", "of", "stage", "method", "detail"), shown, as_csv=arguments.csv)


def verify_audit(arguments: argparse.Namespace) -> int:
    """`exchange audit verify`: reads the file itself, so that no server's word is needed."""
    folder: Path = arguments.dir
    try:
        head = verify_file(folder / "office.db", read_head(arguments.head or folder / "trail.head"))
    except TrailBroken as broken:
        return fail(str(broken))
    say(f"verified: {head.seq:,} entries, an unbroken chain. It ends in {head.hash}.")
    return 0


AT_DESK: Final[dict[str, Work]] = {
    "account create": create_account,
    "account list": list_accounts,
    "account show": show_account,
    "account freeze": freeze_account,
    "account thaw": freeze_account,
    "key create": create_key,
    "key list": list_keys,
    "key ips": limit_key,
    "key revoke": revoke_key,
    "credit": credit,
    "operator add": add_operator,
    "operator list": list_operators,
    "operator remove": remove_operator,
    "audit list": list_audit,
    **WAYS,
    "chain list": chain_verbs.list_chains,
    "chain resume": chain_verbs.resume_chain,
    "chain seen": chain_verbs.close_alarms,
    "deposit list": chain_verbs.list_deposits,
    "deposit explain": chain_verbs.explain_deposit,
    **WITHDRAWALS,
    **ACTS,
}
"""Every command that asks at the desk, by its full name."""
