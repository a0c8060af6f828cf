"""Whose exchange this is: accounts, open orders, the server, and who is looking."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from tui.seen import Seen
from tui.text import plain, uptime
from tui.widgets.panel import Panel


class House(Panel):
    """Counts, and the two ends of the socket."""

    title = "House"

    def lines(self, seen: Seen) -> Iterable[Text]:
        status, me = seen.status, seen.me
        if status is not None:
            yield self.pair("Accounts", f"{status.accounts:,}")
            yield self.pair("Open orders", f"{status.open_orders:,}")
            yield self.pair("Up", uptime(status.uptime_s))
        if me is not None:
            yield self.pair("Version", plain(me.version) or "–")
            yield self.pair("Mode", "demo" if me.demo else "live")
            yield self.pair("You", plain(me.operator))
            yield self.pair("Role", me.role)
