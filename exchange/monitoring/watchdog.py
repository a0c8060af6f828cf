"""Tells systemd that we live, in the ledger's name: a ping goes out only after the sequencer has answered.

It answers once all that was decided before is on the disk. So a hanging disk, a dead writer or a stuck loop are all
silence, and systemd restarts the process; a mere timer would go on pinging.
"""

from __future__ import annotations

import trio

from exchange.ops.notify import notify
from exchange.sequencer import Sequencer


async def ping(sequencer: Sequencer, seconds: float) -> None:
    """Ping three times in so many seconds, for ever."""
    while True:
        await sequencer.read(lambda _: None)
        notify("WATCHDOG=1")
        await trio.sleep(seconds / 3)
