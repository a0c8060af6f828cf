"""Withdrawals: what is under way, what waits for whom, and how the chains are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from exchange.admin.wire import RejectWithdrawal, WithdrawalRow
from tui.screens.board import Board
from tui.screens.reject import RejectDialog
from tui.seen import Seen
from tui.text import plain
from tui.widgets.keybar import Key
from tui.widgets.leaving import ChainTable, WithdrawalTable
from tui.widgets.table import Table


class Withdrawals(Board):
    """Approving wants the operator's own key, which the dashboard never sees: `y` says how to."""

    here = "Payouts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "reject", show=False),
        Binding("y", "approve", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._chosen = ""

    def panels(self) -> ComposeResult:
        """One list over the other."""
        yield WithdrawalTable()
        yield ChainTable()

    def keys(self, seen: Seen) -> Iterable[Key]:
        """What can be done with the chosen withdrawal."""
        return [
            Key("y", "Approve", self.not_now(seen, "")),
            Key("r", "Reject", self.not_now(seen, "withdrawal.reject")),
        ]

    def fill(self, seen: Seen) -> None:
        """Both lists."""
        for withdrawals in self.query(WithdrawalTable):
            withdrawals.show_seen(seen)
        for chains in self.query(ChainTable):
            chains.show_seen(seen)

    def chosen(self, seen: Seen) -> WithdrawalRow | None:
        """The one that the cursor is on."""
        return next((row for row in seen.withdrawals if row.id == self._chosen), None)

    def not_now(self, seen: Seen, method: str) -> str:
        """Why nothing can be done with the chosen one, or ""."""
        if method and (forbidden := seen.forbidden(method)):
            return forbidden
        return "" if self.chosen(seen) else "no withdrawal chosen"

    def on_table_moved(self, event: Table.Moved) -> None:
        """The cursor went to another withdrawal."""
        if isinstance(event.table, WithdrawalTable):
            self._chosen = event.key
            self.show(self.dashboard.seen)

    def action_approve(self) -> None:
        """Say how: the key is on the operator's own side, and what he signs is shown there."""
        row = self.chosen(self.dashboard.seen)
        if row is None:
            self.dashboard.tell("Nothing done: no withdrawal chosen.", done=False)
            return
        self.dashboard.tell(f"In a shell: exchange withdrawal approve {plain(row.id)} --key YOUR.KEY", done=True)

    def action_reject(self) -> None:
        """Ask for a reason and a yes, then reject the chosen one; or say why not."""
        seen = self.dashboard.seen
        row, reason = self.chosen(seen), self.not_now(seen, RejectWithdrawal.method)
        if row is None or reason:
            self.dashboard.tell(f"Nothing done: {reason}.", done=False)
            return
        self.app.push_screen(RejectDialog(row, seen.me.operator if seen.me else ""), self._decided)

    def _decided(self, ask: RejectWithdrawal | None) -> None:
        if ask is not None:
            self.dashboard.reject(ask)
