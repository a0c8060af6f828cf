"""What is served under /docs: every page and file, made once, when somebody first asks."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from exchange.api.docs import asyncapi, frame, manual, openapi, reference, supported
from exchange.settings import Settings

JSON: Final = "application/json;charset=UTF-8"
_NOTHING: Final = "default-src 'none'; frame-ancestors 'none'"


class Page(msgspec.Struct, frozen=True):
    """A file as it is served. `policy`: its Content-Security-Policy."""

    body: bytes
    kind: str
    policy: str


@lru_cache(maxsize=2)
def pages(settings: Settings) -> dict[str, Page]:
    """By path. Takes about two seconds of CPU; call it in a thread where others wait."""
    files = {
        "openapi.json": openapi.encoded(),
        "asyncapi.json": asyncapi.encoded(settings.fast_port),
        "supported.json": supported.encoded(settings),
    }
    made = {f"/docs/{name}": Page(body, JSON, _NOTHING) for name, body in files.items()}
    read = {f"/docs/{name}": manual.page(name) for name in manual.names()}
    read["/docs"] = reference.page(openapi.document(), asyncapi.document(settings.fast_port))
    return made | {path: Page(body, frame.HTML, frame.policy()) for path, body in read.items()}
