"""The synchronous half of an endpoint that asks for one thing: what to decide, and how to say what became of it.

The fast door hands the command to the sequencer itself, without a task to wait for the outcome; all others wait here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from exchange.api.errors import Refusal
from exchange.api.rooms import Rooms
from exchange.core.commands import Command
from exchange.core.performing import Outcome


class Submission(msgspec.Struct, frozen=True):
    """`word` turns the outcome into the endpoint's reply, or raises `Refused`.

    `over`: too many orders were placed, so that nothing may be done but to repeat the first answer under the key.
    """

    command: Command
    word: Callable[[Outcome], Any]
    over: Refusal | None = None


class Document(msgspec.Struct, frozen=True):
    """A reply that is no JSON."""

    body: bytes
    content_type: str
    headers: list[tuple[str, str]]


async def submitted(rooms: Rooms, submission: Submission) -> Any:  # noqa: ANN401  # any endpoint's reply
    """The reply, once what it tells is durable. Raises `Refused`."""
    return submission.word(await rooms.sequencer.call(submission.command))
