"""Money that leaves: the withdrawals that have not ended, and the chains that they go over."""

from __future__ import annotations

from rich.style import Style

from exchange.admin.wire import ChainRow, PayoutsRow, WithdrawalRow
from tui.ink import BOLD, NORMAL, WRONG
from tui.seen import Seen
from tui.text import at, plain
from tui.widgets.table import Column, Row, Table


class WithdrawalTable(Table):
    """Every withdrawal that has not ended, newest first; what waits for approval stands out."""

    newest_first = True

    def __init__(self) -> None:
        columns = [
            Column("Id", 22),
            Column("Account", 8),
            Column("Amount", 8, right=True),
            Column("Asset", 5),
            Column("State", 9),
            Column("Why, where to", 0, wide=True),
        ]
        super().__init__("Withdrawals", columns, "none under way")

    def show_seen(self, seen: Seen) -> None:
        """List them all."""
        self.show([_withdrawal(row) for row in seen.withdrawals])


def _withdrawal(row: WithdrawalRow) -> Row:
    approved = f" {row.approvals}/{row.needs}" if row.needs else ""
    where = f"{plain(row.network)} {plain(row.address)}, {at(row.asked)}"
    words = f"{plain(row.why)}; {where}" if row.why else where
    state = plain(row.state.replace("_", " ")) + approved
    cells = (plain(row.id), plain(row.account_name), row.amount, plain(row.asset), state, words)
    return Row(row.id, cells, BOLD if row.state == "risk_held" else NORMAL)


class ChainTable(Table):
    """Every chain: how it is followed, and whether its payouts go."""

    def __init__(self) -> None:
        columns = [
            Column("Chain", 6),
            Column("Follows", 11),
            Column("Read", 7, right=True),
            Column("Tip", 7, right=True),
            Column("Payouts", 7),
            Column("Waiting", 7, right=True),
            Column("Sent", 4, right=True),
            Column("Alarms, why", 0, wide=True),
        ]
        super().__init__("Chains", columns, "the settings name no chain")

    def show_seen(self, seen: Seen) -> None:
        """List them all."""
        payouts = {row.chain: row for row in seen.payouts}
        self.show([_chain(row, payouts.get(row.name)) for row in seen.chains])


def _chain(row: ChainRow, payouts: PayoutsRow | None) -> Row:
    stopped = payouts.stopped if payouts else ""
    counts = (f"{payouts.waiting:,}", f"{payouts.under_way:,}") if payouts else ("–", "–")
    alarms = f"{len(row.alarms)} open" if row.alarms else ""
    why = "; ".join(plain(words) for words in (stopped, alarms, row.words, *row.alarms) if words)
    go = "STOPPED" if stopped else "go"
    cells = (plain(row.name), plain(row.following), f"{row.height:,}", f"{row.tip:,}", go, *counts, why)
    return Row(row.name, cells, _style(row, stopped))


def _style(row: ChainRow, stopped: str) -> Style:
    if stopped or row.following == "stopped":
        return WRONG
    return BOLD if row.alarms or row.following == "waiting" else NORMAL
