"""Follows one chain: every block, in order, each with its payments in one transaction; back where the chain goes back.

After an outage of any length every block is read. A node that is late is waited for; one that contradicts itself, its
twin or our settings stops this chain and no other, and the status says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import apsw
import msgspec
import structlog

from exchange.clock import Clock
from exchange.core.units import MILLION
from exchange.custody.deposits import chain_rows, incoming_rows, recording
from exchange.custody.deposits.chain_rows import Progress
from exchange.custody.deposits.confirmations import Listed, contradiction, disagreement
from exchange.custody.deposits.pool import Pool
from exchange.custody.door import LedgerDoor
from exchange.custody.port import Block, Chain, Header, Incoming, NodeFault, WrongChain
from exchange.custody.status import ChainStatus, Following
from exchange.custody.store import Store

_log = structlog.get_logger("exchange.custody")

_AT_A_LOOK: Final = 100
_PENDING_LIMIT: Final = 1_000
_GONE_LIMIT: Final = 20
_NOTHING: Final[frozenset[str]] = frozenset()


class Contracts:
    """The contracts whose tokens are taken on one chain, as of the last round."""

    def __init__(self) -> None:
        """None yet."""
        self.names: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """What a node of a family with contracts asks."""
        return self.names


class _Ahead(msgspec.Struct, frozen=True):
    """What a look at the node told, and up to which block it is good."""

    tip: Header
    final: int | None
    until: int


class _Stopped(WrongChain):
    """The chain was stopped before, and nobody has said yet that it may go on."""


class Watcher:
    """The only reader of one chain."""

    def __init__(
        self,
        chain: Chain,
        store: Store,
        pool: Pool,
        ledger: LedgerDoor,
        clock: Clock,
        *,
        reorg_limit: int,
        stale_after_seconds: int,
        first_block: int = 0,
        second: Chain | None = None,
        contracts: Contracts | None = None,
        ours: Callable[[], frozenset[str]] = lambda: _NOTHING,
        also: Callable[[apsw.Connection, Block], None] | None = None,
    ) -> None:
        """`contracts` is kept up to date for the nodes. `ours`: transactions to look for in blocks.

        `also` is called within the transaction of each block.
        """
        self.chain = chain
        self.status = ChainStatus(chain.name)
        self._store = store
        self._pool = pool
        self._ledger = ledger
        self._clock = clock
        self._reorg_limit = reorg_limit
        self._stale_micros = stale_after_seconds * MILLION
        self._first_block = first_block
        self._second = second
        self._contracts = contracts or Contracts()
        self._ours = ours
        self._also = also
        self._listed: Listed = {}
        self._ahead: _Ahead | None = None

    async def step(self) -> bool:
        """One round: back where need be, then at most one block on. Whether there is more to do at once.

        Raises `NodeFault`: try again later. `WrongChain`: the chain has been stopped, and that is on disk.
        """
        ahead, self._ahead = self._ahead, None
        try:
            return await (self._look() if ahead is None else self._next(ahead))
        except _Stopped as error:  # on disk already: writing it again could undo an operator's word that came meanwhile
            self.status.say(Following.STOPPED, str(error), self._clock.now())
            raise
        except WrongChain as error:
            why = str(error)
            await self._store.write(partial(self._stop, why=why))
            self.status.say(Following.STOPPED, why, self._clock.now())
            raise

    async def _look(self) -> bool:
        """How far the node is, whether we must go back, and on what terms money comes in."""
        at = await self._where()
        if at.stopped:
            raise _Stopped(at.stopped)
        tip = await self.chain.tip()
        at = await self._back(at, tip)
        await self._take_terms()
        final = await self.chain.finalized()
        if tip.height > at.height:
            return await self._next(_Ahead(tip, final, at.height + _AT_A_LOOK))
        await self._idle(at, tip, final)
        return False

    async def _next(self, ahead: _Ahead) -> bool:
        """The next block; what was learnt by looking holds for some more, as long as each is the last one's child."""
        at = await self._where()
        header = await self.chain.header(at.height + 1)
        if header is None or header.parent != at.hash:
            return True  # the chain went elsewhere since we looked
        if header.height != at.height + 1:
            raise NodeFault(f"asked for block {at.height + 1}, the node gave block {header.height}")
        await self._on(header, ahead.final)
        more = header.height < ahead.tip.height
        self._tell(header.height, ahead.tip, more=more)
        self._ahead = ahead if more and header.height < ahead.until else None
        return True

    async def check(self) -> None:
        """Both nodes follow the chain that we mean, and that we followed before."""
        for node in (self.chain, self._second):
            if node is not None:
                try:
                    await node.check()
                except WrongChain as error:
                    self.status.say(Following.STOPPED, str(error), self._clock.now())
                    raise

    async def _where(self) -> Progress:
        """How far we are; on the very first start, where we begin."""
        at = chain_rows.progress(self._store.reader, self.chain.name)
        if at is None:
            await self._begin()
            at = chain_rows.progress(self._store.reader, self.chain.name)
            assert at is not None
        if at.identity != self.chain.identity:
            raise WrongChain(f"custody.db follows a chain {at.identity}, and the settings name {self.chain.identity}")
        return at

    async def _begin(self) -> None:
        """The block after which we begin, and those before it to which a reorganisation may lead back."""
        await self.check()
        height = self._first_block - 1 if self._first_block else (await self.chain.tip()).height
        last: list[Header] = []
        for number in range(max(height - self._reorg_limit, 0), height + 1):
            header = await self.chain.header(number)
            if header is None or (last and header.parent != last[-1].hash):
                raise NodeFault(f"the node has no whole chain up to block {height}, after which we are to begin")
            last.append(header)
        name, identity = self.chain.name, self.chain.identity
        await self._store.write(lambda db: chain_rows.begin(db, name, identity, last))

    async def _back(self, at: Progress, tip: Header) -> Progress:
        """Where the node's chain and ours part, everything above is undone. A node that is only late undoes nothing."""
        height = min(at.height, tip.height)
        if height < at.height - self._reorg_limit:
            raise NodeFault(f"the node is {at.height - height} blocks behind what it had: has it lost its data?")
        while True:
            ours = chain_rows.hash_at(self._store.reader, at.name, height)
            theirs = tip if height == tip.height else await self.chain.header(height)
            if theirs is None:
                raise NodeFault(f"the node names block {tip.height} its newest, and has no block {height}")
            if ours == theirs.hash:
                break
            height -= 1
            if ours is None or at.height - height > self._reorg_limit:
                raise WrongChain(
                    f"a reorganisation of more than {self._reorg_limit} blocks below {at.height}: nothing was undone."
                    " Look at the chain before you go on."
                )
        # a node that is late agrees at its own tip; one that went elsewhere does not
        parted = height < min(at.height, tip.height)
        if not parted:
            return at
        now = self._clock.now()
        undone = await self._store.write(lambda db: recording.undo(db, at.name, height, now))
        _log.warning("reorganised", chain=at.name, blocks=at.height - height, payments=undone.payments)
        if undone.told:
            self._ledger.ring()
        again = chain_rows.progress(self._store.reader, at.name)
        assert again is not None
        return again

    async def _on(self, header: Header, final: int | None) -> None:
        """The next block: both nodes' word on it, and all of it in one transaction."""
        watched, ours = self._pool.watched, self._ours()
        block = await self.chain.block(header, watched, ours)
        if block.header != header:
            raise NodeFault(f"asked for block {header.hash}, the node gave {block.header.hash}")
        await self._agree(block)
        name, listed, limit, now = self.chain.name, self._listed, self._reorg_limit, self._clock.now()

        def record(db: apsw.Connection) -> recording.Recorded:
            keys = [self.chain.key_of(one.to.address) for one in block.incoming]
            done = recording.record(db, name, block, keys, listed, final, limit, now)
            if self._also is not None:
                self._also(db, block)
            return done

        if (await self._store.write(record)).told:
            self._ledger.ring()

    async def _agree(self, block: Block) -> None:
        """Nothing goes on that the second node does not say too."""
        if self._second is None:
            return
        header = block.header
        if against := disagreement(header, await self._second.header(header.height)):
            raise NodeFault(against)
        theirs = await self._second.block(header, self._pool.watched, _NOTHING)
        if against := contradiction(block.incoming, theirs.incoming):
            raise NodeFault(against)

    async def _take_terms(self) -> None:
        """Networks may have changed since: what waits is judged by the new terms."""
        listed = await self._ledger.terms(self.chain.name)
        if listed == self._listed:
            return
        self._listed, now = listed, self._clock.now()
        self._contracts.names = frozenset(listed) - {""}
        await self._store.write(lambda db: recording.reassess(db, self.chain.name, listed, now))

    async def _idle(self, at: Progress, tip: Header, final: int | None) -> None:
        """Nothing new: what became final is credited, and what waits to be mined is shown."""
        now = self._clock.now()
        if final is not None:
            told = await self._store.write(lambda db: recording.promote(db, at.name, at.height, final, now))
            if told:
                self._ledger.ring()
        await self._show_pending()
        self._tell(at.height, tip, more=False)

    async def _show_pending(self) -> None:
        """Payments that wait to be mined, and those that wait no more."""
        waiting = list(await self.chain.pending(self._pool.watched))[:_PENDING_LIMIT]
        name, now, keys = self.chain.name, self._clock.now(), {one.key for one in waiting}
        known = {str(key) for (key,) in self._store.reader.execute(_UNMINED, (name,))}
        if new := [one for one in waiting if one.key not in known]:
            await self._store.write(lambda db: self._expect(db, new))
        missing = list(incoming_rows.select(self._store.reader, "chain = ? AND state = 1", (name,)))
        gone = [row for row in missing if row.key not in keys][:_GONE_LIMIT]
        for row in gone:
            standing = (await self.chain.find(row.txid)).standing
            if standing in recording.NEVER:
                await self._store.write(partial(recording.give_up, row=row, standing=standing, now=now))

    def _expect(self, db: apsw.Connection, new: list[Incoming]) -> None:
        for one in new:
            key, now = self.chain.key_of(one.to.address), self._clock.now()
            recording.expect(db, self.chain.name, one, key, self._listed, now)

    def _stop(self, db: apsw.Connection, why: str) -> None:
        now = self._clock.now()
        chain_rows.stop(db, self.chain.name, why)
        chain_rows.raise_alarm(db, self.chain.name, "stopped", why, now)

    def _tell(self, height: int, tip: Header, more: bool) -> None:
        """The status: how far we are, and whether the node's newest block is too old."""
        now = self._clock.now()
        self.status.height, self.status.tip = height, tip.height
        age = now - tip.time * MILLION
        if more:
            self.status.say(Following.CATCHING_UP, f"{tip.height - height:,} blocks to read", now)
        elif tip.height < height:
            self.status.say(Following.WAITING, f"the node is {height - tip.height} blocks behind what it had", now)
        elif age > self._stale_micros:
            self.status.say(Following.WAITING, f"the node's newest block is {age // MILLION:,} seconds old", now)
        else:
            self.status.say(Following.FOLLOWING, "", now)


_UNMINED: Final = "SELECT key FROM incoming WHERE chain = ? AND state IN (0, 1) AND height = 0"
