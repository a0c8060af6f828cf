"""Rows of custody in the dialect's words."""

from __future__ import annotations

import time
from typing import Final

from exchange.api.amounts import render
from exchange.api.rooms import Rooms
from exchange.api.wire_custody import DepositReply, WithdrawalReply
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import Amount, Micros
from exchange.custody.history import Shown
from exchange.custody.payouts import rows as payout_rows
from exchange.custody.payouts.rows import AttemptState, WithdrawalRow

_D, _W = DepositState, WithdrawalState
_DEPOSIT: Final = {_D.SEEN: 0, _D.CONFIRMING: 0, _D.CREDITED: 1, _D.SWEPT: 1, _D.ORPHANED: 2, _D.HELD: 7}
_WITHDRAWAL: Final = {
    _W.REQUESTED: 2,
    _W.RISK_HELD: 2,
    _W.APPROVED: 4,
    _W.PLANNED: 4,
    _W.SIGNED: 4,
    _W.SENT: 4,
    _W.CONFIRMED: 4,
    _W.FINAL: 6,
    _W.REJECTED: 3,
    _W.CANCELLED: 1,
    _W.FAILED: 5,
}


def deposit_reply(rooms: Rooms, shown: Shown, *, source: bool) -> DepositReply:
    """A deposit; of a token that is not listed the contract stands for the coin, and its own amount."""
    row, state = shown.row, DepositState(shown.row.state)
    asset = rooms.catalogue.assets.get(row.asset) if row.asset is not None else None
    line = rooms.desk.lines.get(row.chain)
    tip = line.status.height if line is not None else 0
    needed = max(row.due - row.height + 1, 0) if row.due else 0
    have = min(max(tip - row.height + 1, 0), needed) if row.height else 0
    credited = state in {_D.CREDITED, _D.SWEPT}
    return DepositReply(
        id=f"{row.chain}:{row.key}",
        amount=render(row.atoms, asset.decimals) if asset else row.amount,
        coin=asset.code if asset else row.contract,
        network=row.chain,
        status=_DEPOSIT[state],
        address=shown.address,
        tx_id=row.txid,
        insert_time=row.seen // 1000,
        complete_time=row.changed // 1000 if credited else 0,
        unlock_confirm=needed,
        confirm_times=f"{needed if credited else have}/{needed}",
        info=row.why,
        source_address=row.sender if source else "",
    )


def withdrawal_reply(rooms: Rooms, row: WithdrawalRow) -> WithdrawalReply:
    """A withdrawal; within the house there is no fee, and no transaction."""
    asset, state = rooms.catalogue.assets[row.asset], WithdrawalState(row.state)
    ended = state >= _W.FINAL
    return WithdrawalReply(
        id=row.id,
        amount=render(Amount(row.atoms - row.fee), asset.decimals),
        transaction_fee=render(0 if row.inside is not None else row.fee, asset.decimals),
        coin=asset.code,
        status=_WITHDRAWAL[state],
        address=row.address,
        tx_id=_txid(rooms, row),
        apply_time=_date(row.asked),
        network=row.chain,
        transfer_type=int(row.inside is not None),
        withdraw_order_id=row.client_id,
        info=_told(row),
        complete_time=_date(row.changed) if ended else "",
    )


def _told(row: WithdrawalRow) -> str:
    """Why it waits, as far as its owner is to know: what operators look for is theirs."""
    if row.state == _W.RISK_HELD:
        return "It waits for an operator."
    return row.why if row.state in {_W.CANCELLED, _W.FAILED} else ""


def _txid(rooms: Rooms, row: WithdrawalRow) -> str:
    """The transaction that was mined, or the newest that was sent; "" while there is none."""
    if row.inside is not None and row.state == _W.FINAL:
        return f"Internal transfer {row.id}"
    if row.payout is None:
        return ""
    reader = rooms.desk.store.reader
    payout = payout_rows.payout(reader, row.payout)
    tried = payout_rows.attempts(reader, row.payout)
    sent = [one for one in tried if one.txid and one.state is AttemptState.HANDED]
    won = [one for one in sent if payout is not None and one.id == payout.winner]
    return (won or sent)[-1].txid if sent else ""


def _date(time_: Micros) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time_ // 1_000_000))
