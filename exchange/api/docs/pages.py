"""What is served under /docs: every page and file, made once, when somebody first asks."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
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


def pages(settings: Settings) -> dict[str, Page]:
    """By path. Takes about two seconds of CPU the first time; call it in a thread where others wait."""
    return _made(msgspec.json.encode(settings))


@lru_cache(maxsize=2)
def _made(sent: bytes) -> dict[str, Page]:
    """The same for settings as JSON: those hold tables, which cannot be looked up by."""
    settings = msgspec.json.decode(sent, type=Settings)
    files = {
        "openapi.json": openapi.encoded(),
        "asyncapi.json": asyncapi.encoded(settings.fast_port),
        "supported.json": supported.encoded(settings),
    }
    made = {f"/docs/{name}": Page(body, JSON, _NOTHING) for name, body in files.items()}
    read = {f"/docs/{name}": manual.page(name) for name in manual.names()}
    read["/docs"] = reference.page(openapi.document(), asyncapi.document(settings.fast_port))
    return made | {path: Page(body, frame.HTML, frame.policy()) for path, body in read.items()}


def write(folder: Path, settings: Settings) -> list[str]:
    """Write all of it as files that link to each other, to be read without a server; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for path, page in pages(settings).items():
        name = _file(path)
        body = page.body
        if page.kind == frame.HTML:
            body = re.sub(rb'href="(/docs[^"#]*)', lambda link: b'href="' + _file(link[1].decode()).encode(), body)
        (folder / name).write_bytes(body)
        names.append(name)
    return sorted(names)


def _file(path: str) -> str:
    name = path.removeprefix("/docs").strip("/") or "index"
    return name if name.endswith(".json") else f"{name}.html"
