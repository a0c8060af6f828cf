"""A node that answers from a list: made-up blocks of Bitcoin's family. A process of its own: its time is not ours.

`python -m bench._chain_node BLOCKS TRANSACTIONS OURS`: prints its port, then serves until it is killed. OURS is a file
with scripts in hexadecimal, one a line; one output in fifty pays one of them.
"""

from __future__ import annotations

import json
import random
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from exchange.custody.bitcoin.networks import NETWORKS
from exchange.custody.bitcoin.raw import double, merkle_root, read_header

PARAMETERS = "bitcoin-regtest"
_VERSION = (2).to_bytes(4, "little")
_START = 1_700_000_000
_GENESIS = (
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3"
    "888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000"
)


class Chain:
    """Blocks by height; only the newest ones of many are kept whole, made when they are asked for."""

    def __init__(self, blocks: int, transactions: int, ours: list[bytes]) -> None:
        self.dice = random.Random(7)
        self.ours = ours
        self.bodies = [self._body(transactions) for _ in range(min(blocks, 50))]
        self.headers: list[tuple[str, bytes]] = [(NETWORKS[PARAMETERS].genesis, bytes.fromhex(_GENESIS))]
        for height in range(1, blocks + 1):
            parent, root = bytes.fromhex(self.headers[-1][0])[::-1], self._root(height)
            raw = _VERSION + parent + root + (_START + 600 * height).to_bytes(4, "little") + bytes(8)
            self.headers.append((read_header(raw).hash, raw))
        self.heights = {name: height for height, (name, _) in enumerate(self.headers)}

    def _body(self, count: int) -> tuple[bytes, list[str]]:
        """All transactions but the first, which is each block's own, and their ids."""
        raw, txids = bytearray(), []
        for _ in range(count - 1):
            inputs = b"".join(self.dice.randbytes(32) + bytes(5) + b"\xff" * 4 for _ in range(2))
            outputs = b"".join(self._output() for _ in range(2))
            stripped = _VERSION + b"\x02" + inputs + b"\x02" + outputs + bytes(4)
            witness = (b"\x02\x48" + self.dice.randbytes(72) + b"\x21" + self.dice.randbytes(33)) * 2
            raw += _VERSION + b"\x00\x01" + stripped[4:-4] + witness + bytes(4)
            txids.append(double(stripped)[::-1].hex())
        return bytes(raw), txids

    def _output(self) -> bytes:
        ours = self.ours and self.dice.random() < 0.02
        script = self.dice.choice(self.ours) if ours else b"\x00\x14" + self.dice.randbytes(20)
        return self.dice.randrange(10_000, 10**8).to_bytes(8, "little") + bytes((len(script),)) + script

    @staticmethod
    def _first(height: int) -> bytes:
        """A coinbase of its own, so that no two transactions of the chain are one."""
        place = height.to_bytes(4, "little")
        return (
            _VERSION + b"\x01" + bytes(32) + b"\xff" * 4 + b"\x04" + place + b"\xff" * 4 + b"\x01" + bytes(9) + bytes(4)
        )

    def _root(self, height: int) -> bytes:
        txids = self.bodies[height % len(self.bodies)][1]
        return merkle_root([double(self._first(height))[::-1].hex(), *txids])

    def block(self, height: int) -> bytes:
        """Its bytes."""
        raw, txids = self.bodies[height % len(self.bodies)]
        count = b"\xfd" + (len(txids) + 1).to_bytes(2, "little")
        return self.headers[height][1] + count + self._first(height) + raw

    def answer(self, method: str, params: list[Any]) -> object:
        """What the node says."""
        tip = len(self.headers) - 1
        match method:
            case "getblockhash":
                return self.headers[params[0]][0] if params[0] <= tip else None
            case "getblockheader":
                return self.headers[self.heights[params[0]]][1].hex()
            case "getblock":
                return self.block(self.heights[params[0]]).hex()
            case "getblockchaininfo":
                return {"blocks": tip, "bestblockhash": self.headers[tip][0], "pruned": False}
            case "getindexinfo":
                return {"txindex": {}}
            case "getmempoolinfo":
                return {"size": 0}
            case _:
                return []


def main() -> None:
    """Serve."""
    blocks, transactions, file = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    chain = Chain(blocks, transactions, [bytes.fromhex(line) for line in file.read_text().split()])

    class Node(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one piece
        disable_nagle_algorithm = True

        def do_POST(self) -> None:  # so it is called
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            many = asked if isinstance(asked, list) else [asked]
            told = [{"id": one["id"], "result": chain.answer(one["method"], one["params"])} for one in many]
            body = json.dumps(told if isinstance(asked, list) else told[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Node)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
