"""Our side without watcher and ledger: a wallet with keys, the chain as we read it, and books in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from exchange.custody.bitcoin import BitcoinChain
from exchange.custody.bitcoin_raw import read_transaction
from exchange.custody.bitcoin_spending import BitcoinSpending
from exchange.custody.derivation import path
from exchange.custody.port import Block, Coin, Draft, Incoming, Owned, Payment, Purpose
from exchange.custody.rpc import Rpc
from exchange.custody.seed import Node as Key
from exchange.custody.seed import root
from exchange.custody.signer_bitcoin import read
from exchange.custody.derivation import address as address_of
from tests.chains.bitcoin.regtest import Regtest

RATE = 10_000


class Ours:
    """A new wallet on a chain; whatever `read` sees of it goes into its books."""

    def __init__(self, outside: Regtest, rpc: Rpc) -> None:
        self.outside = outside
        self.rpc = rpc
        self.form = outside.network.parameters
        self.tree: Key = root(outside.call("getnewaddress").encode() * 2) if False else root(_fresh())
        self.chain = BitcoinChain("BTC", outside.network, rpc)
        self.spending = BitcoinSpending("BTC", outside.network, rpc, self.public_key)
        self.watched: dict[str, Owned] = {}
        self.kept: dict[str, bytes] = {}
        self.unspent: dict[str, Coin] = {}
        self._given = 0
