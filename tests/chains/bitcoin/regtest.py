"""A regtest chain to play with: mining, paying, going back. Amounts are in the smallest unit."""

from __future__ import annotations

import os
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

from exchange.custody.bitcoin.networks import NETWORKS, Network
from exchange.custody.bitcoin.psbt import Input, Output, Place, unsigned
from exchange.custody.bitcoin.raw import read_transaction
from exchange.custody.derivation import witness_address
from exchange.demo.nodes.bitcoind import Node, Refusal

COIN: Final = 10**8
_WALLET: Final = "miner"
_MATURE: Final = 120


class Regtest:
    """A running node, with a miner who has money."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.network: Network = NETWORKS[node.kind.parameters]

    def furnish(self) -> None:
        """A wallet with some coins to spend."""
        self.call("createwallet", _WALLET)
        self.mine(_MATURE)

    def call(self, method: str, *params: object) -> Any:
        """One call to the node itself."""
        return self.node.call(method, *params)

    def wallet(self, method: str, *params: object) -> Any:
        """One call to the miner's wallet."""
        return self.node.call(method, *params, wallet=_WALLET)

    def address(self, kind: str = "bech32") -> str:
        """A new address of the miner's, who is a stranger to us."""
        return str(self.wallet("getnewaddress", "", kind))

    def stranger(self) -> str:
        """An address that no wallet knows, so that nobody but us cares whether its payment goes lost."""
        return witness_address(self.network.prefix, os.urandom(20))

    def unspent(self, address: str) -> list[int]:
        """What lies at an address, in blocks."""
        scan = self.call("scantxoutset", "start", [f"addr({address})"])
        return [int(coin["amount"] * COIN) for coin in scan["unspents"]]

    def mine(self, blocks: int = 1, to: str = "") -> list[str]:
        """Blocks with what waits, each time to a new address: a chain that was left may not be mined again."""
        return list(self.call("generatetoaddress", blocks, to or self.address()))

    def mine_only(self, *txids: str) -> str:
        """A block with these waiting transactions and no others."""
        return str(self.call("generateblock", self.address(), list(txids))["hash"])

    def pay(self, address: str, amount: int) -> str:
        """A payment by the miner; its transaction's id."""
        return str(self.wallet("sendtoaddress", address, coins(amount)))

    def pay_many(self, amounts: dict[str, int]) -> str:
        """One transaction with many outputs."""
        return str(self.wallet("sendmany", "", {address: coins(amount) for address, amount in amounts.items()}))

    def craft(self, outputs: list[tuple[bytes, int]], spending: str = "", fee: int = 20_000) -> bytes:
        """A signed transaction of the miner's with these very outputs and change; not sent.

        It spends an old coin, or what the transaction `spending` spends: then only one of the two can be mined.
        """
        if spending:
            inputs = list(read_transaction(self.raw(spending)).spends())
        else:
            coin = max(self.wallet("listunspent", 1), key=lambda one: one["amount"])
            inputs = [f"{coin['txid']}:{coin['vout']}"]
        there = sum(self._worth(outpoint) for outpoint in inputs) - fee - sum(amount for _, amount in outputs)
        script = bytes.fromhex(self.wallet("getaddressinfo", self.address())["scriptPubKey"])
        taken = [Input(outpoint, 0, b"", b"", Place(b"", ())) for outpoint in inputs]
        bare = unsigned(taken, [Output(amount, to) for to, amount in [*outputs, (script, there)]])
        signed = self.wallet("signrawtransactionwithwallet", bare.hex())
        assert signed["complete"], signed
        return bytes.fromhex(signed["hex"])

    def send(self, raw: bytes) -> str:
        """Into the node's pool."""
        return str(self.call("sendrawtransaction", raw.hex()))

    def _worth(self, outpoint: str) -> int:
        txid, _, place = outpoint.partition(":")
        made = read_transaction(bytes.fromhex(self.call("getrawtransaction", txid)))
        return made.outputs[int(place)][0]

    def raw(self, txid: str) -> bytes:
        """A transaction of the miner's."""
        return bytes.fromhex(self.wallet("gettransaction", txid)["hex"])

    def height(self) -> int:
        """Of the best chain."""
        return int(self.call("getblockcount"))

    def back(self, blocks: int) -> str:
        """The last blocks count no more; the hash that was given up, for `call("reconsiderblock", …)`."""
        gone = str(self.call("getblockhash", self.height() - blocks + 1))
        self.call("invalidateblock", gone)
        return gone

    def resend(self) -> None:
        """The miner's payments that a reorganisation put out of blocks and pool, as a wallet does in time."""
        waiting = set(self.waiting())
        for told in self.wallet("listtransactions", "*", 1_000):
            if told["confirmations"] == 0 and told["txid"] not in waiting:
                with suppress(Refusal):  # it excludes another by now, or is in the pool through its child
                    self.send(self.raw(told["txid"]))

    def forget(self) -> None:
        """Whatever waits is forgotten: the node starts anew, without its pool."""
        self.node.stop()
        (self.node.folder / "regtest" / "mempool.dat").unlink(missing_ok=True)
        self.node.start()
        self.call("loadwallet", _WALLET)

    def waiting(self) -> list[str]:
        """The ids in the node's pool."""
        return list(self.call("getrawmempool"))


def coins(amount: int) -> str:
    """As the node reads amounts: in whole coins, exact."""
    return f"{Decimal(amount).scaleb(-8):.8f}"
