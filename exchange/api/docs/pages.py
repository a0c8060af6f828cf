"""What is served under /docs: every page and file, made once, when somebody first asks."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec

from exchange.api.docs import openapi

JSON: Final = "application/json;charset=UTF-8"


class Page(msgspec.Struct, frozen=True):
    """A file as it is served. `policy`: its Content-Security-Policy."""

    body: bytes
    kind: str
    policy: str = "default-src 'none'; frame-ancestors 'none'"


@cache
def pages() -> dict[str, Page]:
    """By path. Takes about a second of CPU; call it in a thread where others wait."""
    return {"/docs/openapi.json": Page(openapi.encoded(), JSON)}
