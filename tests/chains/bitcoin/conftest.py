"""One real node for each module that asks for one. Each test uses addresses of its own on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exchange.demo.nodes import NoNode
from exchange.demo.nodes.bitcoind import BITCOIN, LITECOIN, Kind, running
from tests.chains.bitcoin.regtest import Regtest
from tests.chains.nodes import missing


def furnished(kind: Kind) -> Iterator[Regtest]:
    """A node with a miner who has money, or a loud skip."""
    try:
        with running(kind) as node:
            made = Regtest(node)
            made.furnish()
            yield made
    except NoNode as error:
        missing(kind.parameters, error)


@pytest.fixture(scope="module")
def regtest() -> Iterator[Regtest]:
    """A real bitcoind."""
    yield from furnished(BITCOIN)


@pytest.fixture(scope="module")
def litecoin() -> Iterator[Regtest]:
    """A real litecoind."""
    yield from furnished(LITECOIN)
