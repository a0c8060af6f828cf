"""Rejection of a withdrawal: first why, then what will happen, and only then yes or no."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from exchange.admin.wire import RejectWithdrawal, WithdrawalRow
from tui.ink import BOLD, BUTTON, WRONG
from tui.screens.phase import LEAST_REASON, LONGEST_REASON
from tui.text import plain

_LATE: Final = "It is refused where the money may be on its way already."


class RejectDialog(ModalScreen[RejectWithdrawal | None]):
    """Ends with what is to be asked of the server, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "no", show=False),
        Binding("y", "yes", show=False),
    ]

    def __init__(self, row: WithdrawalRow, who: str) -> None:
        super().__init__()
        self._row = row
        self._who = plain(who)
        self._reason = ""

    def compose(self) -> ComposeResult:
        """A box with a line to type the reason."""
        with Vertical(id="dialog") as box:
            box.border_title = Text(f"Reject: {plain(self._row.id)}")
            yield Static(Text("Why? The account's owner sees the reason."), id="said")
            yield Input(id="reason", placeholder="reason", max_length=LONGEST_REASON)
            yield Static(Text("Enter goes on to the last question, Esc does nothing."), id="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """With a reason, tell what will happen and ask."""
        reason = " ".join(event.value.split())
        if len(reason) < LEAST_REASON:
            self.query_one("#hint", Static).update(Text("A reason has at least three letters.", WRONG))
            return
        self._reason = reason
        self.query_one(Input).remove()
        self.query_one("#said", Static).update(self._consequences())
        question = Text.assemble((" y ", BUTTON), " yes, reject it     ", (" n ", BUTTON), " or Esc: do nothing")
        self.query_one("#hint", Static).update(question)

    def _consequences(self) -> Text:
        row = self._row
        said = Text(f"{row.amount} {plain(row.asset)} go back to {plain(row.account_name)}", BOLD)
        said.append(f", and nothing is paid to\n{plain(row.address)} on {plain(row.network)}.\n\n{_LATE}\n\n")
        said.append(f"Reason: {plain(self._reason)}\n")
        return said.append(f"This goes into the audit trail as an act of {self._who}.\n")

    def action_yes(self) -> None:
        """Counts only once the consequences have been shown."""
        if self._reason:
            self.dismiss(RejectWithdrawal(id=self._row.id, reason=self._reason))

    def action_no(self) -> None:
        self.dismiss(None)
