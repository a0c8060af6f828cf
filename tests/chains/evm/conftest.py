"""Fixtures for tests against a real Anvil."""

from collections.abc import AsyncIterator

import pytest
import trio

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


@pytest.fixture(params=["traced", "untraced"])
async def either(_node: None, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A fresh chain at a node that traces, and at one that does not."""
    with trio.fail_after(120):
        async with world() as made:
            made.evm.traces = request.param == "traced"
            yield made
