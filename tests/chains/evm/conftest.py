"""Fixtures for tests against a real Anvil."""

from collections.abc import AsyncIterator

import pytest
import trio

from exchange.custody.evm.traces import FLAT, NESTED
from exchange.demo.nodes import NoNode, anvil
from tests.chains.evm.world import World, world
from tests.chains.nodes import missing


@pytest.fixture(scope="session")
def _node() -> None:
    """Without the node nothing here can be said."""
    try:
        anvil.program()
    except NoNode as reason:
        missing("EVM", reason)


@pytest.fixture
async def evm(_node: None) -> AsyncIterator[World]:
    """A fresh chain."""
    with trio.fail_after(120):
        async with world() as made:
            yield made


WAYS: dict[str, list[str]] = {"flat": [FLAT], "nested": [NESTED], "untraced": []}


@pytest.fixture(params=WAYS)
async def either(_node: None, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A fresh chain at a node that traces in one way or the other, and at one that does not."""
    with trio.fail_after(120):
        async with world() as made:
            made.evm.traces.ways = list(WAYS[request.param])
            yield made
