"""Change of a market's phase: first why, then what will happen, and only then yes or no."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from exchange.admin.wire import MarketRow, Phase, SetPhase
from tui.ink import BOLD, BUTTON, WRONG
from tui.text import counted, plain
from tui.words import PHASE_NAME, PHASE_VERB, WILL_HAPPEN

LEAST_REASON = 3
LONGEST_REASON = 200


class PhaseDialog(ModalScreen[SetPhase | None]):
    """Ends with what is to be asked of the server, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "no", show=False),
        Binding("y", "yes", show=False),
    ]

    def __init__(self, row: MarketRow, phase: Phase, who: str) -> None:
        super().__init__()
        self._row = row
        self._phase = phase
        self._who = plain(who)
        self._reason = ""

    def compose(self) -> ComposeResult:
        """A box with a line to type the reason."""
        with Vertical(id="dialog") as box:
            box.border_title = Text(f"{PHASE_VERB[self._phase]}: {plain(self._row.symbol)}")
            yield Static(Text("Why? The reason is journaled and shown to operators."), id="said")
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
        self.query_one("#hint", Static).update(self._question())

    def _consequences(self) -> Text:
        row = self._row
        said = Text(f"{plain(row.symbol)} goes from {PHASE_NAME[row.phase]} to ")
        said.append(PHASE_NAME[self._phase].upper(), BOLD).append(".\n\n")
        said.append(f"{WILL_HAPPEN[self._phase]}\n\n")
        said.append(f"Open there now: {counted(row.open_orders, 'order')}.\n")
        said.append(f"Reason: {plain(self._reason)}\n")
        return said.append(f"This goes into the audit trail as an act of {self._who}.\n")

    def _question(self) -> Text:
        verb = PHASE_VERB[self._phase].lower()
        yes = f" yes, {verb} {plain(self._row.symbol)}     "
        return Text.assemble((" y ", BUTTON), yes, (" n ", BUTTON), " or Esc: do nothing")

    def action_yes(self) -> None:
        """Counts only once the consequences have been shown."""
        if self._reason:
            self.dismiss(SetPhase(symbol=self._row.symbol, phase=self._phase, reason=self._reason))

    def action_no(self) -> None:
        self.dismiss(None)
