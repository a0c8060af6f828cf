"""A data folder with a wallet and a cold key, custody running on it, and what reconciliation says of a refill."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from exchange import cli
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.postings import FEES, Bucket, balance_key
from exchange.core.units import AssetId
from exchange.custody import wallet
from exchange.custody.custody import Custody, open_custody
from exchange.custody.payouts.network_costs import NetworkCosts
from exchange.custody.port import NodeFault, Purpose
from exchange.custody.proof.reconciling import NotNow, open_reconciler
from exchange.custody.status import Following
from exchange.sequencer import Sequencer
from exchange.settings import load
from tests.custody import signing_kit as kit
from tests.ledger.busy import sequencing

FINAL = 3
_PATIENCE = 120


def make_folder(folder: Path, chain: str, cold: str, settings: str, rules: str = kit.RULES) -> Path:
    """A wallet that knows the cold key, and one chain read from its `first_block` on."""
    kit.make_wallet(folder / "signer", rules)
    with wallet.changing(folder / "signer", kit.PASSPHRASE, SystemClock()) as vault:
        vault.change(wallet.with_cold(vault.secrets, chain, cold))
    (folder / "exchange.toml").write_text(f"[chains.{chain}]\npoll_milliseconds = 100\n{settings}")
    return folder


class Running:
    """Custody, on a chain, beside a ledger."""

    def __init__(self, folder: Path, chain: str, custody: Custody, sequencer: Sequencer) -> None:
        self.folder, self.name, self.custody, self.sequencer = folder, chain, custody, sequencer
        self.reconciler = open_reconciler(folder / "ledger.db", custody, sequencer, SystemClock())
        self.costs = NetworkCosts(custody.store, sequencer, {chain: FINAL})

    async def cold(self, *words: object) -> int:
        """`exchange cold …`."""
        given = ["cold", *map(str, words), "--dir", str(self.folder)]
        return await trio.to_thread.run_sync(cli.main, given)

    async def followed(self) -> None:
        """All blocks of the node have been read."""
        line = self.custody.lines[self.name]
        with trio.fail_after(_PATIENCE):
            tip = await line.chain.tip()
            while line.status.following is not Following.FOLLOWING or line.status.height < tip.height:  # noqa: ASYNC110
                await trio.sleep(0.05)

    async def verdicts(self) -> list[str]:
        """What does not agree, of all that was compared at the newest block."""
        await self.followed()
        with trio.fail_after(_PATIENCE):
            while True:
                try:
                    return [one.verdict for one in await self.reconciler.compare()]
                except (NotNow, NodeFault):
                    await trio.sleep(0.1)

    def fees(self, asset: AssetId) -> int:
        """The house's, in atoms."""
        return self.sequencer.state.balances.get(balance_key(FEES, asset, Bucket.AVAILABLE), 0)

    def shut(self) -> bool:
        return bool(self.sequencer.state.payouts_shut)

    def watched(self, purpose: Purpose) -> list[str]:
        pool = self.custody.lines[self.name].pool
        return [one.address for one in pool.watched.values() if one.purpose is purpose]


@asynccontextmanager
async def running(folder: Path, chain: str, commands: Sequence[co.Command]) -> AsyncIterator[Running]:
    """Everything that follows a chain, until the block ends."""
    clock = SystemClock()
    async with sequencing(folder / "ledger.db") as sequencer:
        for command in commands:
            outcome = await sequencer.call(command)
            assert outcome.reject is None, (command, outcome.reject)
        with open_custody(folder, load(folder), sequencer, clock) as custody:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(custody.run)
                yield Running(folder, chain, custody, sequencer)
                nursery.cancel_scope.cancel()
