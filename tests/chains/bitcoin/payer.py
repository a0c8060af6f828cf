"""Pays on a real node as a process of its own, so that it can be killed.

`python -m tests.chains.bitcoin.payer FOLDER PORT LOGIN_FILE POINT TIMES WORKERS`: dies when POINT is passed for the
TIMESth time ("none": never), and otherwise ends when the ledger has settled all. It has blocks mined as it goes, and
follows them: the change of one payout pays the next.
"""

from __future__ import annotations

import sys
from pathlib import Path

import trio

from exchange.core.transfers import WithdrawalState
from exchange.custody.payouts.machine import Payouts
from exchange.custody.payouts.rows import withdrawals
from exchange.demo.nodes.bitcoind import BITCOIN, Node
from tests.chains.bitcoin.house import House, house
from tests.chains.bitcoin.regtest import Regtest
from tests.custody.crash.payer import killer


async def pay(folder: Path, outside: Regtest, point: str, times: int, workers: int) -> None:
    """Work, each worker at its own pace, until nothing is left to be paid."""
    at, one_at_a_time = killer(point, times), trio.Lock()
    async with house(folder, outside) as h, trio.open_nursery() as nursery:
        for _ in range(workers):
            nursery.start_soon(work, h, h.worker(at=at), one_at_a_time)


async def work(h: House, worker: Payouts, one_at_a_time: trio.Lock) -> None:
    """One worker; blocks come by themselves, and one worker at a time reads them, as the house has one watcher."""
    while withdrawals(h.store.reader, "told <> ? LIMIT 1", WithdrawalState.FINAL):
        await worker.step()
        async with one_at_a_time:
            await trio.to_thread.run_sync(h.outside.mine)
            await h.follow()


def main(folder: str, port: str, login_file: str, point: str, times: str, workers: str) -> None:
    """The command line."""
    node = Node(BITCOIN, Path(login_file).parent)
    node.meet(int(port))
    trio.run(pay, Path(folder), Regtest(node), point, int(times), int(workers))


if __name__ == "__main__":
    main(*sys.argv[1:])
