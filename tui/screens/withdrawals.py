"""Withdrawals: what is under way, what waits for whom, and how the chains are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from exchange.admin.wire import ActRow, ConfirmAct, RejectWithdrawal, WithdrawalRow
from tui.screens.board import Board
from tui.screens.confirm import ConfirmDialog
from tui.screens.reject import RejectDialog
from tui.seen import Seen
from tui.text import plain
from tui.widgets.acts import ActTable
from tui.widgets.keybar import Key
from tui.widgets.leaving import ChainTable, WithdrawalTable
from tui.widgets.table import Table


class Withdrawals(Board):
    """Approving wants the operator's own key, which the dashboard never sees: `y` says how to."""

    here = "Payouts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "reject", show=False),
        Binding("y", "approve", show=False),
        Binding("s", "second", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._chosen = ""
        self._act = ""

    def panels(self) -> ComposeResult:
        """One list over the other, the last one only where acts wait for a second operator."""
        yield WithdrawalTable()
        yield ChainTable()
        yield ActTable()

    def keys(self, seen: Seen) -> Iterable[Key]:
        """What can be done with the chosen withdrawal, and with an act that waits."""
        second = [Key("s", "Confirm act", self.not_second(seen))] if seen.acts else []
        return [
            *second,
            Key("y", "Approve", self.not_now(seen, "")),
            Key("r", "Reject", self.not_now(seen, "withdrawal.reject")),
        ]

    def fill(self, seen: Seen) -> None:
        """All lists."""
        for acts in self.query(ActTable):
            acts.show_seen(seen)
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
        elif isinstance(event.table, ActTable):
            self._act = event.key
            self.show(self.dashboard.seen)

    def chosen_act(self, seen: Seen) -> ActRow | None:
        """The act that the cursor is on."""
        return next((row for row in seen.acts if str(row.number) == self._act), None)

    def not_second(self, seen: Seen) -> str:
        """Why the chosen act cannot be confirmed, or ""."""
        if forbidden := seen.forbidden(ConfirmAct.method):
            return forbidden
        row = self.chosen_act(seen)
        if row is None:
            return "no act chosen"
        if row.yours:
            return "you asked for it yourself"
        return "" if row.may else "your role may not do that"

    def action_second(self) -> None:
        """Show the chosen act whole, and confirm it after a yes; or say why not."""
        seen = self.dashboard.seen
        row, reason = self.chosen_act(seen), self.not_second(seen)
        if row is None or reason:
            self.dashboard.tell(f"Nothing done: {reason}.", done=False)
            return
        self.app.push_screen(ConfirmDialog(row, seen.me.operator if seen.me else ""), self._confirmed)

    def _confirmed(self, ask: ConfirmAct | None) -> None:
        if ask is not None:
            self.dashboard.confirm(ask)

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
