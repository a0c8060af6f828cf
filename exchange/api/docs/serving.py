"""The answers of the main door to whoever reads: /docs and what lies below. They weigh 1, like the lightest request."""

from __future__ import annotations

from typing import Final

import trio

from exchange.api import errors
from exchange.api.answering import Reply, Request, refusal_body, refusal_headers
from exchange.api.docs.pages import JSON, Page, pages
from exchange.api.errors import Refusal, Refused
from exchange.api.rooms import Rooms

ROOT: Final = "/docs"


async def page(rooms: Rooms, request: Request) -> Reply | None:
    """The page or file asked for, or the refusal; None when the path is none of these."""
    if request.path != ROOT and not request.path.startswith(f"{ROOT}/"):
        return None
    try:
        rooms.limits.charge(request.address, 1, rooms.clock.now())
        found = (await trio.to_thread.run_sync(pages, rooms.settings)).get(request.path.rstrip("/"))
        if found is None:
            raise Refused(errors.NO_SUCH_ROUTE)
        if request.method not in {"GET", "HEAD"}:
            raise Refused(errors.WRONG_METHOD)
    except Refused as refused:
        return _refusal(refused.refusal)
    return Reply(200, found.body, _headers(found))


def _headers(found: Page) -> list[tuple[str, str]]:
    return [
        ("content-type", found.kind),
        ("content-security-policy", found.policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "public, max-age=300"),
    ]


def _refusal(refusal: Refusal) -> Reply:
    return Reply(refusal.status, refusal_body(refusal), [("content-type", JSON), *refusal_headers(refusal)])
