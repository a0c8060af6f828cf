"""What is served on `ops_port`: `/live`, `/ready`, `/metrics`."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.monitoring.figures import Watched, figures
from exchange.monitoring.metrics import CONTENT_TYPE
from exchange.monitoring.readiness import readiness
from exchange.ops.listener import Page, Pages

_JSON: Final = "application/json"


class Monitor:
    """Knows whether the doors are open, and makes the pages."""

    def __init__(self, watched: Watched) -> None:
        """The doors are shut at first."""
        self.opened = False
        self._watched = watched

    @property
    def pages(self) -> Pages:
        """By path."""
        return {"/live": self._live, "/ready": self._ready, "/metrics": self._metrics}

    async def _live(self) -> Page:
        """That it is answered at all is the answer: the loop turns."""
        return Page(200, b"live\n")

    async def _ready(self) -> Page:
        ready = await readiness(self._watched.house, opened=self.opened)
        return Page(200 if ready.ready else 503, msgspec.json.encode(ready) + b"\n", _JSON)

    async def _metrics(self) -> Page:
        ready = await readiness(self._watched.house, opened=self.opened)
        return Page(200, (await figures(self._watched, ready)).page(), CONTENT_TYPE)
