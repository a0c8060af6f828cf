"""What the commands about money that leaves do: ask at the desk, print, and sign with the operator's own key."""

from __future__ import annotations

import argparse
import getpass
import hashlib
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec
from nacl.signing import SigningKey

from exchange.admin import wire
from exchange.admin.house import Refused
from exchange.cli_people.desk import Desk, pages
from exchange.cli_people.tables import date, say, table
from exchange.office import approver_file
from exchange.office.approver_file import BadApproverFile
from exchange.office.approvers import registration

_LINE: Final = 1_024


async def list_withdrawals(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal list`."""

    def ask(last: wire.WithdrawalRow | None) -> wire.ListWithdrawals:
        return wire.ListWithdrawals(arguments.which, arguments.match, last.id if last else "")

    rows = [_line(row) async for page in pages(desk, ask) for row in page]
    heads = ("id", "asked", "account", "amount", "fee", "asset", "network", "address", "state", "approved", "why")
    table((*heads, "transaction"), rows, as_csv=arguments.csv)


def _line(row: wire.WithdrawalRow) -> tuple[object, ...]:
    approved = f"{row.approvals} of {row.needs}" if row.needs else ""
    what = (row.id, date(row.asked), row.account_name, row.amount, row.fee, row.asset, row.network, row.address)
    return *what, row.state, approved, row.why, row.txid


async def show_withdrawal(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal show`."""
    _show(await desk.call(wire.ShowWithdrawal(arguments.id)))


def _show(view: wire.WithdrawalView) -> None:
    row = view.row
    say(f"withdrawal {row.id} of {row.account_name} (account {row.account}), asked for {date(row.asked)}")
    say(f"  pays      {view.units} units of {view.contract or 'the chain’s own coin'} on {row.network}")
    say(f"  to        {row.address}")
    say(f"  debits    {row.amount} {row.asset}, of which {row.fee} are the fee")
    say(f"  state     {row.state}{': ' if row.why else ''}{row.why}")
    say(f"  approved  by {', '.join(one.operator for one in view.approvals) or 'nobody'}; {row.needs} needed")
    say(f"  signs     {wire.clean(view.content)}")
    if view.note:
        say(f"  note      {view.note}")
    if view.attempts:
        lines = [(one.id, one.state, one.fee_units, date(one.handed), one.txid) for one in view.attempts]
        table(("draft", "state", "fee at most", "handed out", "transaction"), lines)


async def approve_withdrawal(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal approve`: what is signed is what was shown."""
    view = await desk.call(wire.ShowWithdrawal(arguments.id))
    _show(view)
    _check(view)
    if not arguments.yes and _read("type the word approve: ", hidden=False) != "approve":
        raise Refused("not_meant", "not approved. Nothing was changed.")
    key = _unlock(arguments)
    signature = key.sign(hashlib.sha256(view.content.encode()).digest()).signature
    done = await desk.call(wire.ApproveWithdrawal(arguments.id, signature.hex()))
    say("approved: it goes out." if not done.needed else f"approved; {done.needed} more must approve it.")


def _check(view: wire.WithdrawalView) -> None:
    """What is signed says what is shown, whoever made it up."""
    said = msgspec.json.decode(view.content, type=list[str])
    shown = [view.row.network, view.row.id, view.contract, view.row.address, view.units]
    if len(said) != 7 or [said[1], *said[3:]] != shown:
        raise Refused("not_the_same", "what would be signed is not what is shown. Nothing was signed.")


async def reject_withdrawal(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal reject`."""
    row = await desk.call(wire.RejectWithdrawal(arguments.id, arguments.reason))
    say(f"{row.id} is {row.state}: {row.amount} {row.asset} go back to {row.account_name}.")


async def settle_withdrawal(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal settle`."""
    row = await desk.call(wire.SettleWithdrawal(arguments.id, arguments.reason))
    say(f"{row.id} is {row.state}: {row.amount} {row.asset} of {row.account_name} have left, by {row.txid}.")


async def return_withdrawal(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal return`."""
    row = await desk.call(wire.ReturnWithdrawal(arguments.id, arguments.reason))
    say(f"{row.id} is {row.state}: {row.amount} {row.asset} go back to {row.account_name}.")


async def book_withdrawal(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal book`."""
    row = await desk.call(wire.BookWithdrawal(arguments.id, arguments.reason))
    say(f"{row.id} is booked: {row.amount} {row.asset} were taken from {row.account_name}, who paid them out before.")
    say(f"What it did not have any more it owes, and is frozen: exchange account show {row.account}")


async def list_chains(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal chains`."""
    rows = (await desk.call(wire.ListPayouts())).rows
    lines = [
        (row.chain, "stopped" if row.stopped else "go", row.waiting, row.under_way, date(row.since), row.stopped)
        for row in rows
        if arguments.match.casefold() in row.chain.casefold()
    ]
    table(("chain", "payouts", "waiting", "under way", "since", "why"), lines, as_csv=arguments.csv)


async def stop_payouts(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal stop`."""
    row = await desk.call(wire.StopPayouts(arguments.chain, arguments.reason))
    say(f"payouts on {row.chain} stand still: {row.stopped}")


async def resume_payouts(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal resume`."""
    row = await desk.call(wire.ResumePayouts(arguments.chain))
    say(f"payouts on {row.chain} go on; {row.waiting} wait.")


async def set_limit(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal limit`."""
    spans = (arguments.hour, arguments.day, arguments.account_hour, arguments.account_day)
    _limits([await desk.call(wire.SetVelocity(arguments.asset, *spans))], as_csv=False)


async def list_limits(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange withdrawal limits`."""
    _limits((await desk.call(wire.ListVelocities())).rows, as_csv=arguments.csv)


def _limits(rows: Iterable[wire.VelocityRow], *, as_csv: bool) -> None:
    heads = ("asset", "hour", "day", "account hour", "account day", "asked in an hour", "asked in a day")
    table(heads, [msgspec.structs.astuple(row) for row in rows], as_csv=as_csv)


async def make_approver(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange approver make`."""
    passphrase = _read("a passphrase for your key: ", hidden=True)
    if sys.stdin.isatty() and _read("again: ", hidden=True) != passphrase:
        raise Refused("not_the_same", "the passphrases differ. No file was made.")
    try:
        key = approver_file.create(arguments.file, passphrase)
    except BadApproverFile as error:
        raise Refused("bad_file", str(error)) from error
    say(f"{arguments.file}: your key. Keep it and its passphrase to yourself; there is no other copy.")
    await _register(desk, key)


async def register_approver(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange approver register`."""
    arguments.key = arguments.file
    await _register(desk, _unlock(arguments))


async def _register(desk: Desk, key: SigningKey) -> None:
    me = await desk.call(wire.WhoAmI())
    proof = key.sign(registration(me.operator)).signature
    row = await desk.call(wire.RegisterApprover(bytes(key.verify_key).hex(), proof.hex()))
    say(f"{row.operator} approves with {row.public_key} from now on.")
    say(f"The signer must know it too: exchange wallet approver add {row.operator} {row.public_key}")


async def list_approvers(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange approver list`."""
    rows = (await desk.call(wire.ListApprovers())).rows
    wanted = arguments.match.casefold()
    lines = [(row.operator, row.public_key, date(row.created), date(row.revoked)) for row in rows]
    found = [line for line in lines if wanted in f"{line[0]}\n{line[1]}".casefold()]
    table(("operator", "public key", "registered", "revoked"), found, as_csv=arguments.csv)


async def revoke_approver(desk: Desk, arguments: argparse.Namespace) -> None:
    """`exchange approver revoke`."""
    row = await desk.call(wire.RevokeApprover(arguments.operator))
    say(f"{row.operator}'s key {row.public_key} approves nothing more.")


def _unlock(arguments: argparse.Namespace) -> SigningKey:
    try:
        return approver_file.unlock(arguments.key, _read("passphrase of your key: ", hidden=True))
    except BadApproverFile as error:
        raise Refused("bad_file", f"{error} Nothing was signed.") from error


def _read(prompt: str, *, hidden: bool) -> str:
    """A line, typed (unseen where `hidden`) or from a pipe; never from the command line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(_LINE).rstrip("\n")
    return getpass.getpass(prompt) if hidden else input(prompt).strip()


VERBS: Final[dict[str, Callable[[Desk, argparse.Namespace], Awaitable[None]]]] = {
    "withdrawal list": list_withdrawals,
    "withdrawal show": show_withdrawal,
    "withdrawal approve": approve_withdrawal,
    "withdrawal reject": reject_withdrawal,
    "withdrawal settle": settle_withdrawal,
    "withdrawal return": return_withdrawal,
    "withdrawal book": book_withdrawal,
    "withdrawal chains": list_chains,
    "withdrawal stop": stop_payouts,
    "withdrawal resume": resume_payouts,
    "withdrawal limit": set_limit,
    "withdrawal limits": list_limits,
    "approver make": make_approver,
    "approver register": register_approver,
    "approver list": list_approvers,
    "approver revoke": revoke_approver,
}
"""What these commands do, by their full names."""
