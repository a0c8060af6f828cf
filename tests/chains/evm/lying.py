"""A node that answers some questions with something else: the real one's answers, changed on their way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from exchange.custody.evm.chain import Evm
from exchange.custody.rpc import Rpc, RpcError
from tests.chains.evm.world import CHAIN_ID, World

Change = Callable[[Any], Any]
"""What becomes of an answer. One that raises an `RpcError` is a refusal."""


class Lying(Rpc):
    """`changes` by method; every answer may be changed in place."""

    changes: dict[str, Change]

    async def call(self, method: str, *params: Any) -> Any:
        """The real answer, changed."""
        return self._changed(method, await super().call(method, *params))

    async def call_raw(self, method: str, *params: Any) -> bytes:
        """The same, as it comes over the wire."""
        return msgspec.json.encode(await self.call(method, *params))

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """The real answers, changed one by one."""
        answers = await super().batch(calls)
        return [self._quietly(method, answer) for (method, _), answer in zip(calls, answers, strict=True)]

    def _quietly(self, method: str, answer: Any) -> Any:
        try:
            return self._changed(method, answer)
        except RpcError as refusal:
            return refusal

    def _changed(self, method: str, answer: Any) -> Any:
        change = self.changes.get(method)
        return answer if change is None else change(copy.deepcopy(answer))


def lying(world: World, **changes: Change) -> Evm:
    """The chain as seen through a node that lies in the answers to these methods."""
    rpc = Lying(world.url)
    rpc.changes = changes
    world.opened.append(rpc)
    return Evm("ETH", CHAIN_ID, rpc, lambda: frozenset(world.listed))


def refuse(code: int, message: str) -> Change:
    """A change that makes any answer a refusal."""

    def refusing(_: Any) -> Any:
        raise RpcError(code, message)

    return refusing
