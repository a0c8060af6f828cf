"""Somebody between us and a real node, who hands everything on until told otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import trio

from exchange.demo.nodes.bitcoind import Node
from tests.custody.small_server import Act, Asked, answers, small_server


class Between:
    """`faults` are played one for each post, before anything reaches the node; `answers` change what it says."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.faults: list[Act] = []
        self.changes: dict[str, Callable[[bytes], bytes]] = {}
        """By method: what becomes of the whole answer."""
        self.instead: dict[str, dict[str, object]] = {}
        """By method: the refusal that is given, the node not being asked."""
        self.swallow: set[str] = set()
        """Methods that the node does and whose answers are lost."""

    async def act(self, asked: Asked, stream: trio.abc.Stream) -> None:
        """One post."""
        if self.faults:
            await self.faults.pop(0)(asked, stream)
            return
        method = asked.content["method"] if isinstance(asked.content, dict) else ""
        if method in self.instead:
            await answers(error=self.instead[method])(asked, stream)
            return
        answer = await self._forward(asked)
        if method in self.swallow:
            await stream.aclose()
            return
        await stream.send_all(self.changes.get(method, bytes)(answer))
        await stream.aclose()

    async def hand_on(self, asked: Asked, stream: trio.abc.Stream) -> None:
        """One post as if no fault were planned: a fault that is none."""
        kept, self.faults = self.faults, []
        await self.act(asked, stream)
        self.faults = kept

    async def _forward(self, asked: Asked) -> bytes:
        body = msgspec.json.encode(asked.content)
        login = asked.headers["authorization"]
        head = f"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: {login}\r\nContent-Length: {len(body)}\r\n"
        stream = await trio.open_tcp_stream("127.0.0.1", self.node.port)
        async with stream:
            await stream.send_all(head.encode() + b"Connection: close\r\n\r\n" + body)
            return b"".join([bytes(piece) async for piece in stream])


@asynccontextmanager
async def between(node: Node) -> AsyncIterator[tuple[Between, str]]:
    """Whoever stands there, and the URL to be asked."""
    made = Between(node)
    async with small_server(made.act) as (_, url):
        yield made, url
