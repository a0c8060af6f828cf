"""Compares what the chains say we have with our books and with the ledger, again and again, to the last unit.

At one block of each chain, named by height and hash, in the asset's finest unit (chain's or ledger's):

    own  = came + house - paid - costs                                          our books of one asset on one chain
    node = own                                                                  (1)  for each chain
    sum of own = people + fees - demo                                           (2)  for each asset, over its chains
               + house + waiting + held + dust + ahead
               - taken_back - leaving - (costs - booked)

`node`        what the node says that all our addresses have at that block; where coins are counted one by one, each
              address by itself must also have what our unspent outputs on it are worth
`came`        payments from outside to deposit addresses, whatever became of them
`house`       payments from outside to our other addresses: the house's own capital. What our own transactions pay to
              ourselves (sweeps, change, gas, spills, refills from cold) is in no term: it neither comes nor goes
`paid`        withdrawals in a block, by the transactions that we drafted
`costs`       what the network took for our own transactions, those of the cold wallet too; `booked` of it is out of
              `fees` in the ledger already
`people`      available, held and owed (negative) of all accounts; `fees` the house's; `demo` money out of genesis
`waiting`     deposits in a block that the ledger has not credited yet, or not yet been told of
`held`        deposits that are recorded and credited to nobody; `dust` what was rounded away of credited ones
`leaving`     withdrawals in a block that the ledger still holds; `ahead` settled ones in a block above this one
`taken_back`  deposits that a reorg has undone, and that the ledger has been told to take back and has not yet
`unproven`    payments that a node told of and in which the watcher saw a contradiction, or of contracts unlisted then:
              `node` may be more than `own` by so much, and no more

Swept or not, all addresses count, so sweeping moves nothing here. Which deposit or withdrawal belongs to which term is
looked up one by one in the ledger as it was just before custody.db was read, so what is on its way is never a mismatch.
A block that gives way meanwhile, or a node that fails, is no verdict: it is tried again. A mismatch that a second look
finds too shuts the asset's payouts (journaled, with the numbers) and is an alarm. Payments from before the first block
that was read are unknown to our books: begin before the wallet's first payment (`first_block`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
import msgspec
import structlog
import trio

from exchange.clock import Clock
from exchange.core.commands import SetPayoutsShut
from exchange.core.networks import Network
from exchange.core.units import AssetId
from exchange.custody.custody import Custody
from exchange.custody.custody import Line as CustodyLine
from exchange.custody.deposits import chain_rows
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.port import Chain, Found, Header, NodeFault, Purpose, WrongChain
from exchange.custody.proof import reconcile_rows
from exchange.custody.proof.reconcile_rows import Reconciled
from exchange.custody.proof.reserve_books import Line, Terms, terms
from exchange.custody.status import Following
from exchange.custody.store import Store
from exchange.ledger.outside import Outside, Sums
from exchange.sequencer import Sequencer

_KIND: Final = "reserves"
_WORDS: Final = 200
_POLL_SECONDS: Final = 2.0
_SLICE: Final = 1_000
"""So many addresses that nobody ever paid to are looked at in each round, in turn."""
_log = structlog.get_logger("exchange.reserves")
_OPEN: Final = (
    "SELECT t.txid FROM attempts AS t JOIN payouts AS p ON p.number = t.payout"
    " WHERE p.chain = ? AND p.state < 8 AND t.txid IS NOT NULL"
)
_ADDRESSES: Final = """
SELECT address, key FROM addresses AS a WHERE chain = ?1 AND (purpose <> ?2 OR EXISTS
  (SELECT 1 FROM incoming AS i WHERE i.chain = ?1 AND i.to_key = a.key))
UNION SELECT address, key FROM (SELECT address, key FROM addresses WHERE chain = ?1 AND purpose = ?2 AND place >= ?3
  ORDER BY place LIMIT ?4)
"""


class NotNow(Exception):
    """No verdict can be given: a block gave way, or the watcher went on. It is tried again."""


class Watched(msgspec.Struct, frozen=True):
    """A chain to compare. `coins`: its outputs are counted one by one. `every`: after so many blocks."""

    chain: Chain
    coins: bool
    healthy: Callable[[], bool]
    every: int = 10


class Facts(msgspec.Struct, frozen=True):
    """What a node said at a block: by contract what each address has, by its key; and where open transactions are."""

    at: Header
    balances: Mapping[str, Mapping[str, int]]
    found: Mapping[str, Found]


class Judged(msgspec.Struct, frozen=True):
    """An asset's comparison: a row for each of its chains, all with one verdict."""

    asset: AssetId
    code: str
    rows: Sequence[Reconciled]
    verdict: str


class Reconciler:
    """All chains' and all assets'."""

    def __init__(
        self, store: Store, ledger: Path, sequencer: Sequencer, chains: Mapping[str, Watched], clock: Clock
    ) -> None:
        """`chains` by name. An asset that travels on a chain that is not among them is never judged."""
        self._store = store
        self._ledger = ledger
        self._sequencer = sequencer
        self._chains = chains
        self._clock = clock
        self._done: dict[str, int] = {}
        self._place: Counter[str] = Counter()

    async def step(self) -> None:
        """Compare, if some chain went on by as many blocks as it is to go on between comparisons."""
        heights = {name: at.height for name in self._chains if (at := chain_rows.progress(self._store.reader, name))}
        if any(abs(at - self._done.get(name, -1 << 62)) >= self._chains[name].every for name, at in heights.items()):
            await self.compare()
            self._done = heights

    async def compare(self) -> Sequence[Judged]:
        """Compare now, and act on what is found. Raises `NodeFault`, `NotNow`."""
        judged = await self._look()
        if any(one.verdict for one in judged):
            again = {one.asset: one for one in await self._look()}  # what is wrong is wrong twice
            judged = [again.get(one.asset, one) if one.verdict else one for one in judged]
        for one in judged:
            await self._act(one)
        return judged

    async def _act(self, one: Judged) -> None:
        now = self._clock.now()
        if one.verdict:
            _log.error("reserves differ", asset=one.code, verdict=one.verdict)
            reason = f"reserves differ: {one.verdict}"[:_WORDS]
            outcome = await self._sequencer.call(SetPayoutsShut(one.asset, True, reason))
            if outcome.reject is not None:
                raise NotNow(outcome.reject.text)

        def write(db: apsw.Connection) -> None:
            for row in one.rows:
                reconcile_rows.put(db, row)
                if one.verdict:
                    chain_rows.raise_alarm(db, row.chain, _KIND, f"{one.code}: {one.verdict}", now)

        await self._store.write(write)

    async def _look(self) -> Sequence[Judged]:
        networks = await self._sequencer.read(lambda state: list(state.networks.values()))
        facts: dict[str, Facts] = {}
        for name, watched in self._chains.items():
            if watched.healthy():
                facts[name] = await self._ask(watched, sorted({n.contract for n in networks if n.name == name}))
        judged = await trio.to_thread.run_sync(self._read, facts)
        for name, told in facts.items():
            if await self._chains[name].chain.header(told.at.height) != told.at:
                raise NotNow(f"{name}: block {told.at.height} gave way")
        return judged

    async def _ask(self, watched: Watched, contracts: Sequence[str]) -> Facts:
        """What the node says at the newest block that was read."""
        chain, db = watched.chain, self._store.reader
        progress = chain_rows.progress(db, chain.name)
        at = await chain.header(progress.height) if progress is not None else None
        if progress is None or at is None or at.hash != progress.hash:
            raise NotNow(f"{chain.name}: the node's chain is not the one that was read")
        asked = await trio.to_thread.run_sync(self._addresses, chain.name)
        balances = {}
        for contract in contracts:
            said = await chain.balances([address for address, _ in asked], contract, at) if asked else ()
            balances[contract] = {key: amount for (_, key), amount in zip(asked, said, strict=True)}
        found = {str(txid): await chain.find(str(txid)) for (txid,) in list(db.execute(_OPEN, (chain.name,)))}
        return Facts(at, balances, found)

    def _addresses(self, chain: str) -> list[tuple[str, str]]:
        """Address and key of all that were ever paid to, of the house's, and of the next of the others; in a thread."""
        place = self._place[chain]
        with closing(apsw.Connection(str(self._store.path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            asked = [
                (str(one), str(key)) for one, key in db.execute(_ADDRESSES, (chain, Purpose.DEPOSIT, place, _SLICE))
            ]
            ((most,),) = db.execute("SELECT coalesce(max(place), 0) FROM addresses WHERE chain = ?", (chain,))
        self._place[chain] = place + _SLICE if place + _SLICE <= most else 0
        return asked

    def _read(self, facts: Mapping[str, Facts]) -> list[Judged]:
        """All files' side, in a thread: the ledger's moment first, so that custody.db knows of all that is in it."""
        with (
            Outside(self._ledger) as ledger,
            closing(apsw.Connection(str(self._store.path), flags=apsw.SQLITE_OPEN_READONLY)) as db,
        ):
            db.execute("BEGIN")
            self._unmoved(db, facts)
            by_asset: dict[AssetId, list[tuple[Network, str, int]]] = {}
            for network, code, decimals in ledger.networks():
                by_asset.setdefault(network.asset, []).append((network, code, decimals))
            found = [ways for ways in by_asset.values() if _known(ways, facts)]
            return [self._judge(db, ledger, ways, facts) for ways in found]

    @staticmethod
    def _unmoved(db: apsw.Connection, facts: Mapping[str, Facts]) -> None:
        for name, told in facts.items():
            at = chain_rows.progress(db, name)
            if at is None or (at.height, at.hash) != (told.at.height, told.at.hash):
                raise NotNow(f"{name}: the watcher went on from block {told.at.height}")

    def _judge(
        self, db: apsw.Connection, ledger: Outside, ways: Sequence[tuple[Network, str, int]], facts: Mapping[str, Facts]
    ) -> Judged:
        """One asset, on all its chains."""
        (first, code, decimals), now = ways[0], self._clock.now()
        finest = max(decimals, *(network.chain_decimals for network, *_ in ways))
        atom, faults, rows, all_terms = _ten(finest - decimals), [], [], []
        sums = ledger.sums(first.asset)
        for network, *_ in ways:
            told = facts[network.name]
            line = Line(network.name, network.contract, _ten(finest - network.chain_decimals), atom)
            made = terms(db, ledger, line, told.at, told.found)
            node = {key: amount * line.unit for key, amount in told.balances[network.contract].items()}
            faults += against_node(network.name, made, node, coins=self._chains[network.name].coins)
            all_terms.append(made)
            rows.append((network.name, told.at, sum(node.values()), made))
        faults += against_ledger(all_terms, sums, atom)
        verdict = "; ".join(faults)
        kept = [
            Reconciled(
                first.asset, chain, at.height, at.hash, str(node), str(made.own), _told(made, sums), verdict, now
            )
            for chain, at, node, made in rows
        ]
        return Judged(first.asset, code, kept, verdict)

    async def run(self) -> None:
        """Compare for ever. Raises only what the disk raises."""
        while True:
            try:
                await self.step()
            except (NodeFault, NotNow, WrongChain) as error:
                _log.info("reserves were not compared", reason=str(error))
            except apsw.Error:
                raise
            except Exception:  # noqa: BLE001  # our own bug ends no doors; what `reserves status` shows grows old
                _log.exception("comparing reserves failed")
            await trio.sleep(_POLL_SECONDS)


def _known(ways: Sequence[tuple[Network, str, int]], facts: Mapping[str, Facts]) -> bool:
    """Whether something was said of all the ways that an asset travels."""
    return all(one.name in facts and one.contract in facts[one.name].balances for one, *_ in ways)


def _ten(exponent: int) -> int:
    return int("1" + "0" * exponent)


def _told(made: Terms, sums: Sums) -> str:
    """Every term by its name, in digits."""
    names = ("came", "house", "paid", "costs", "waiting", "held", "dust", "taken_back", "leaving", "ahead", "unproven")
    told = {name: str(getattr(made, name)) for name in names}
    told |= {f"ledger_{name}": str(getattr(sums, name)) for name in ("people", "fees", "demo", "costs")}
    return msgspec.json.encode(told).decode()


def against_node(chain: str, made: Terms, node: Mapping[str, int], *, coins: bool) -> list[str]:
    """Equation (1): what the node says against our books."""
    total = sum(node.values())
    faults = list(made.faults)
    if not made.own <= total <= made.own + made.unproven:
        faults.append(f"{chain} has {total}, our books {made.own} (difference {total - made.own})")
    if coins:
        places = [key for key in sorted(node.keys() | made.coins.keys()) if node.get(key, 0) != made.coins[key]]
        if places:
            has, wanted = node.get(places[0], 0), made.coins[places[0]]
            faults.append(f"{chain}: {len(places)} addresses differ, {places[0]} has {has}, our outputs {wanted}")
    return faults


def against_ledger(lines: Sequence[Terms], sums: Sums, atom: int) -> list[str]:
    """Equation (2): our books against the ledger."""
    own = sum(one.own for one in lines)
    wanted = (sums.people + sums.fees - sums.demo + sums.costs) * atom
    for one in lines:
        wanted += one.house + one.waiting + one.held + one.dust + one.ahead
        wanted -= one.taken_back + one.leaving + one.costs
    return [] if own == wanted else [f"our books have {own}, the ledger {wanted} (difference {own - wanted})"]


def watched_of(line: CustodyLine) -> Watched:
    """A chain of the settings."""
    chain = line.chain
    accounts = chain.world.accounts if isinstance(chain, MemoryChain) else line.settings.family == "evm"

    def healthy() -> bool:
        return line.status.following is Following.FOLLOWING

    return Watched(chain, not accounts, healthy, line.settings.reconcile_every_blocks)


def open_reconciler(ledger: Path, custody: Custody, sequencer: Sequencer, clock: Clock) -> Reconciler:
    """For all chains of an opened custody."""
    chains = {name: watched_of(line) for name, line in custody.lines.items()}
    return Reconciler(custody.store, ledger, sequencer, chains, clock)
