"""Money that leaves: look at it, approve it with a key of one's own, reject it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from exchange.admin import wire
from exchange.admin.house import Caller, House, Refused
from exchange.admin.methods.accounts import checked_limit
from exchange.core.decimals import render
from exchange.core.market import Asset
from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, AssetId
from exchange.custody.payouts import rows as payout_rows
from exchange.custody.payouts import withdrawal_rows
from exchange.custody.payouts.rows import ASKED, AttemptRow, AttemptState, WithdrawalRow
from exchange.custody.payouts.withdrawals import NotAsked
from exchange.custody.signing import content, digest
from exchange.office.approvers import is_signed

MAX_REASON: Final = 200
_HEX_CHARS: Final = 256
_SCAN: Final = 1_000
_W = WithdrawalState


class Names(msgspec.Struct, frozen=True):
    """What rows are shown with: names of their accounts, and their assets."""

    accounts: Mapping[AccountId, str]
    assets: Mapping[AssetId, Asset]


async def list_withdrawals(house: House, ask: wire.ListWithdrawals) -> wire.WithdrawalList:
    """Those that fit, newest first."""
    limit = checked_limit(ask.limit)
    store, wanted, after, found = house.payments.store, ask.match.casefold(), ask.after, list[wire.WithdrawalRow]()
    while rows := withdrawal_rows.page(store.reader, ask.which, after, _SCAN):
        names = await _names(house, rows)
        shown = (_row(house, row, names) for row in rows)
        found += [row for row in shown if wanted in _text(row)]
        if len(found) > limit:
            break
        after = rows[-1].id
    return wire.WithdrawalList(tuple(found[:limit]), more=len(found) > limit)


def _text(row: wire.WithdrawalRow) -> str:
    """What a search looks in."""
    words = [row.id, row.account_name, row.asset, row.network, row.address, row.state, row.why, row.txid]
    return "\n".join(words).casefold()


async def show_withdrawal(house: House, ask: wire.ShowWithdrawal) -> wire.WithdrawalView:
    """One withdrawal, what an approval of it signs, who approved it, and its transactions."""
    row = _find(house, ask.id)
    reader = house.payments.store.reader
    tried = payout_rows.attempts(reader, row.payout) if row.payout is not None else []
    paid = payout_rows.payout(reader, row.payout) if row.payout is not None else None
    return wire.WithdrawalView(
        row=_row(house, row, await _names(house, [row])),
        content=content(row.payment, row.chain, house.payments.identity(row.chain)).decode(),
        contract=row.contract,
        units=str(row.amount),
        approvals=tuple(
            wire.ApprovalRow(one.operator, one.approver.hex(), one.given)
            for one in withdrawal_rows.approvals_of(reader, row.id)
        ),
        attempts=tuple(_attempt(one) for one in tried),
        note=wire.clean(paid.note if paid else ""),
    )


async def approve_withdrawal(house: House, caller: Caller, ask: wire.ApproveWithdrawal) -> wire.Approved:
    """Keep the caller's word, if his key gave it for exactly this."""
    row = _find(house, ask.id)
    key = house.approvers.living(caller.operator)
    if key is None:
        raise Refused(
            "no_key", "you have registered no key that approves (`exchange approver make`). Nothing was changed."
        )
    signature = from_hex(ask.signature)
    if not is_signed(key.public_key, signature, digest(row.payment, row.chain, house.payments.identity(row.chain))):
        raise Refused("bad_signature", "your registered key did not sign this withdrawal. Nothing was changed.")
    try:
        needed = await house.payments.withdrawals.approve(row.id, caller.operator, key.public_key, signature)
    except NotAsked as error:
        raise Refused("denied", f"{error}. Nothing was changed; reject it.") from error
    if needed is None:
        raise Refused(
            "not_waiting", "it does not wait for your approval: it has it, or it waits no more. Nothing was changed."
        )
    return wire.Approved(row.id, needed)


async def reject_withdrawal(house: House, ask: wire.RejectWithdrawal) -> wire.WithdrawalRow:
    """Give the money back, before the signer was asked."""
    row, reason = _find(house, ask.id), checked_reason(ask.reason)
    if not await house.payments.withdrawals.reject(row.id, reason):
        text = "it has ended, or it may be on its way. Nothing was changed; see `exchange withdrawal return`."
        raise Refused("too_late", text)
    return await _shown(house, ask.id)


async def settle_withdrawal(house: House, ask: wire.SettleWithdrawal) -> wire.WithdrawalRow:
    """It was paid, an operator has found out; the chain must bear it out."""
    row, _ = _find(house, ask.id), checked_reason(ask.reason)
    return await _cleared(house, row, await house.payments.settle(row.id))


async def return_withdrawal(house: House, ask: wire.ReturnWithdrawal) -> wire.WithdrawalRow:
    """Give the money back, once it is proven that no transaction will ever pay it."""
    row, reason = _find(house, ask.id), checked_reason(ask.reason)
    return await _cleared(house, row, await house.payments.give_back(row.id, reason))


async def book_withdrawal(house: House, ask: wire.BookWithdrawal) -> wire.WithdrawalRow:
    """What a restored ledger has forgotten, its account pays now."""
    row, _ = _find(house, ask.id), checked_reason(ask.reason)
    return await _cleared(house, row, await house.payments.book(row.id, house.signer.recall))


async def _cleared(house: House, row: WithdrawalRow, why: str) -> wire.WithdrawalRow:
    if why:
        raise Refused("not_proven", f"{why}. Nothing was changed.")
    await house.payments.follow_up()
    return await _shown(house, row.id)


async def _shown(house: House, id: str) -> wire.WithdrawalRow:
    row = _find(house, id)
    return _row(house, row, await _names(house, [row]))


def checked_reason(reason: str) -> str:
    """A reason that fits a line; refused when it does not."""
    if not reason.strip() or len(reason) > MAX_REASON or not reason.isprintable():
        raise Refused("bad_reason", f"a reason has 1 to {MAX_REASON} printable characters. Nothing was changed.")
    return reason


def from_hex(text: str) -> bytes:
    """Bytes that were written in hexadecimal; refused when they were not."""
    try:
        return bytes.fromhex(text if len(text) <= _HEX_CHARS else "?")
    except ValueError as error:
        raise Refused("bad_params", "keys and signatures are written in hexadecimal. Nothing was changed.") from error


def _find(house: House, id: str) -> WithdrawalRow:
    row = payout_rows.withdrawal(house.payments.store.reader, id)
    if row is None or row.state == ASKED:
        raise Refused(
            "not_found",
            f"no withdrawal is called {id[:64]}. Nothing was changed; `exchange withdrawal list` shows all.",
        )
    return row


async def _names(house: House, rows: list[WithdrawalRow]) -> Names:
    """Names for these rows."""
    accounts, assets = {row.account for row in rows}, {row.asset for row in rows}
    return await house.sequencer.read(
        lambda state: Names(
            {one: state.accounts[one].name for one in accounts}, {one: state.assets[one] for one in assets}
        )
    )


def _row(house: House, row: WithdrawalRow, names: Names) -> wire.WithdrawalRow:
    asset, reader = names.assets[row.asset], house.payments.store.reader
    tried = payout_rows.attempts(reader, row.payout) if row.payout is not None else []
    return wire.WithdrawalRow(
        id=row.id,
        account=row.account,
        account_name=wire.clean(names.accounts[row.account]),
        asset=asset.code,
        network=row.chain,
        amount=render(row.atoms, asset.decimals),
        fee=render(row.fee, asset.decimals),
        address=wire.clean(row.address),
        state=_W(row.state).name.lower(),
        why=wire.clean(row.why),
        approvals=len(withdrawal_rows.approvals_of(reader, row.id)),
        needs=row.needs,
        txid=next((one.txid for one in reversed(tried) if one.txid), ""),
        asked=row.asked,
        changed=row.changed,
    )


def _attempt(one: AttemptRow) -> wire.AttemptView:
    return wire.AttemptView(one.id, AttemptState(one.state).name.lower(), one.txid, str(one.draft.fee), one.handed)
