"""How quickly orders become durable, and how much waits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.text import Text

from tui.ink import BOLD, DIM, WRONG
from tui.seen import Seen
from tui.text import ago, counted, lasted
from tui.widgets.panel import Panel

FULL_PERCENT: Final = 80
"""From here on the queue is called filling: at its limit orders are refused."""


def fill_percent(length: int, limit: int) -> int:
    """How full the queue is, in whole percent, rounded up."""
    return -(-length * 100 // limit) if limit else 0


class Pulse(Panel):
    """Acknowledgements, the queue before the sequencer, and the journal behind it."""

    title = "Sequencer and ledger"

    def lines(self, seen: Seen) -> Iterable[Text]:
        status = seen.status
        if status is None:
            yield Text("no figures yet", DIM)
            return
        yield self.pair("Ack p50", lasted(status.ack_p50_us or None))
        yield self.pair("Ack p99", lasted(status.ack_p99_us or None))
        percent = fill_percent(status.queue_length, status.queue_limit)
        style = WRONG if percent >= FULL_PERCENT else BOLD
        yield self.pair("Queue", f"{status.queue_length:,} of {status.queue_limit:,}", style)
        full = min(-(-percent * self.size.width // 100), self.size.width)
        yield Text.assemble(("█" * full, style), ("░" * (self.size.width - full), DIM))
        commit = f"{ago(status.time - status.last_commit)} ago" if status.last_commit else "none yet"
        yield self.pair("Last commit", commit)
        yield self.pair("Batch size", counted(status.last_batch, "command"))
        yield self.pair("Journal seq", f"{status.journal_seq:,}")
