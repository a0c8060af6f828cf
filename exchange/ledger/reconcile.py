"""`exchange verify`: replay the journal from genesis and compare every row of the ledger with what it should be.

The journal is the one thing believed, and only as far as its hash chain and head file bear it out. Everything else
(postings, trades, bars, orders, balances, accounts, markets, transfers) is computed anew, by the same `evolve` and the
same `freeze` that the sequencer uses, and compared row by row. The first row that differs is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw
import msgspec

from exchange.core import audit
from exchange.core.evolving import evolve
from exchange.core.market import Market
from exchange.core.networks import Network
from exchange.core.order_lists import ListStatus, OrderList
from exchange.core.orders import OrderStatus
from exchange.core.state import State
from exchange.ledger import db
from exchange.ledger.bars import BarRow, capped
from exchange.ledger.journal import DECODER, GENESIS_HASH, check_head, link
from exchange.ledger.restore import ORDER_COLUMNS
from exchange.ledger.rows import Row, freeze, list_row, market_row, network_row, order_row, session_row

if TYPE_CHECKING:
    from exchange.core.events import Event
    from exchange.core.state import Changes

Progress = Callable[[int, int], None]
"""Called now and then with (events replayed, events in all)."""

# The columns that name a row: always the first ones of their table.
_KEYS: Final = {
    "journal": ("first_seq",),
    "postings": ("id",),
    "trades": ("market", "id"),
    "prevented_matches": ("seq",),
    "amendments": ("seq",),
    "bars": ("market", "minute"),
    "orders": ("id",),
    "order_lists": ("id",),
    "balances": ("key",),
    "assets": ("id",),
    "markets": ("id",),
    "tier_fees": ("market", "tier"),
    "accounts": ("id",),
    "credits": ("reference",),
    "deposits": ("key",),
    "withdrawals": ("key",),
    "networks": ("asset", "name"),
    "tier_limits": ("tier", "asset"),
    "payouts_shut": ("asset",),
    "network_costs": ("key",),
    "epochs": ("number",),
    "account_events": ("account", "last"),
    "balance_marks": ("account", "last"),
    "idempotency_keys": ("account", "key"),
    "countdowns": ("account", "market"),
    "armed_sessions": ("account", "session"),
}

_RECORDS: Final[dict[str, type]] = {"markets": Market, "networks": Network}
"""Tables whose third column is a record in JSON."""

_LEAST: Final = -(1 << 63)


class Difference(Exception):
    """The first row that is not what the journal says it should be."""

    def __init__(self, table: str, row: str, expected: object, found: object) -> None:
        """`row` names the row within `table`; None stands for a row that is not there."""
        super().__init__(f"{table}, {row}: expected {_shown(expected)}, found {_shown(found)}")
        self.table = table
        self.row = row


def _shown(row: object) -> str:
    if row is None:
        return "no such row"
    if isinstance(row, tuple):  # as the file holds them: flags and choices as numbers
        return str(tuple(int(value) if isinstance(value, int) else value for value in row))
    return str(row)


class Verified(msgspec.Struct, frozen=True):
    """What was compared, and agreed: rows by table."""

    events: int
    rows: dict[str, int]


def verify(path: Path, progress: Progress) -> Verified:
    """Compare everything. Raises `Difference`, or `LedgerDamaged` when the file cannot be read at all."""
    connection = db.open_reader(path)
    try:
        if connection.pragma("user_version") > db.newest():
            raise db.LedgerDamaged(
                f"{path}: a newer program made rows that this one cannot judge. Use that one to verify."
            )
        connection.execute("BEGIN")
        check_head(connection, path)
        verified = _Replay(connection).run(progress)
        _check_pages(connection, path)
        _check_schema(connection)
        return verified
    except apsw.Error as error:
        where = f"{path.name}, {_unreadable(connection)}"
        raise Difference(
            "pages", where, "pages that agree with their checksums", f"a damaged page ({error})"
        ) from error
    finally:
        connection.close()


def _unreadable(connection: apsw.Connection) -> str:
    """Where a damaged page lies: the first table that cannot be read through, and the last row before the damage."""
    try:
        tables = [name for kind, name, *_ in db.schema(connection) if kind == "table"]
    except apsw.Error:
        return "the schema"
    for table in tables:
        count = 0
        try:
            for _ in connection.execute(f"SELECT * FROM {table}"):
                count += 1
        except apsw.Error:
            return f"table {table} after row {count}"
    return "an index or a free page"


def _check_pages(connection: apsw.Connection, path: Path) -> None:
    """Read every page, those of indexes too: each must keep its checksum, and each index agree with its table."""
    for (sentence,) in connection.execute("PRAGMA integrity_check(1)"):
        if sentence != "ok":
            raise Difference("pages", path.name, "tables and indexes that agree", sentence)


def _check_schema(connection: apsw.Connection) -> None:
    """Compare tables and indexes with what the migrations make: a trigger, say, would change rows behind our back."""
    expected = {row[:2]: row for row in db.schema_at(connection.pragma("user_version"))}
    found = {row[:2]: row for row in db.schema(connection)}
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            raise Difference("schema", " ".join(key), expected.get(key), found.get(key))


class _Replay:
    """One pass over the journal, with a cursor on each append-only table running alongside."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.state = State()
        self.rows = {"journal": 0, "postings": 0, "trades": 0, "orders": 0, "order_lists": 0}
        self.rows |= {"account_events": 0, "balance_marks": 0, "prevented_matches": 0, "amendments": 0}
        self.bars: dict[tuple[int, int], BarRow] = {}
        self.credits: dict[str, Row] = {}
        self.epochs: list[Row] = []
        self.keys: dict[tuple[int, str], Row] = {}
        self.newest: dict[str, dict[int, int]] = {"account_events": {}, "balance_marks": {}}
        self.postings = self._select("SELECT id, seq, debit, credit, amount FROM postings ORDER BY id")
        self.trades: dict[int, Iterator[Row]] = {}
        self.by_seq = {
            table: self._select(f"SELECT * FROM {table} ORDER BY seq") for table in ("prevented_matches", "amendments")
        }

    def run(self, progress: Progress) -> Verified:
        total = next(self._select("SELECT coalesce(max(last_seq), 0) FROM journal"))[0]
        digest = GENESIS_HASH
        for first, last, time, blob, stored in self._select("SELECT * FROM journal ORDER BY first_seq"):
            name = f"first_seq {first}"
            if first != self.state.seq + 1:
                lower = f"first_seq {min(first, self.state.seq + 1)}"
                raise Difference("journal", lower, f"first_seq {self.state.seq + 1}", f"first_seq {first}")
            if last < first or time < 0:
                raise Difference("journal", name, "last_seq from first_seq on, and a time", f"{last} at {time}")
            digest = link(digest, first, last, time, blob)
            if digest != stored:
                raise Difference("journal", name, f"hash {digest.hex()}", f"hash {stored.hex()}")
            self._replay(name, blob, last, time)
            progress(last, total)
        self._finish()
        return Verified(self.state.seq, self.rows)

    def _replay(self, name: str, blob: bytes, last: int, time: int) -> None:
        """Let one batch happen again, and compare what it appended."""
        state = self.state
        for event in _decode(name, blob):
            try:
                evolve(state, event)
            except Exception as error:
                raise Difference("journal", name, "an event that can follow", f"{event} ({error!r})") from error
        if state.seq != last:
            raise Difference("journal", name, f"last_seq {state.seq}", f"last_seq {last}")
        self.rows["journal"] += 1
        changes = state.take_changes()
        self._compare_closed_orders(changes)
        for order_list in changes.lists.values():
            if order_list.status == ListStatus.ALL_DONE:
                self._compare_list(order_list)
        frozen = freeze(changes, state, time)  # type: ignore[arg-type]
        for book in state.books.values():
            book.touched.clear()
        if frozen is None:
            raise Difference("journal", name, "at least one event", None)
        self._compare_postings(frozen.postings)
        self._compare_trades(frozen.trades)
        self._compare_of_accounts("account_events", frozen.account_events)
        self._compare_of_accounts("balance_marks", frozen.balance_marks)
        self._compare_by_seq("prevented_matches", frozen.prevented_matches)
        self._compare_by_seq("amendments", frozen.amendments)
        self.credits.update((row[0], row) for row in frozen.credits)
        self.epochs += frozen.epochs
        for dropped in frozen.keys_dropped:
            del self.keys[dropped]
        self.keys.update(((row[0], row[1]), row) for row in frozen.keys)
        for row in frozen.bars:
            self._add_bar(BarRow(*row))

    def _compare_postings(self, expected: Iterable[Row]) -> None:
        count = self.rows["postings"]
        for row in expected:
            count += 1
            _same("postings", (count, *row), next(self.postings, None))
        self.rows["postings"] = count

    def _compare_of_accounts(self, table: str, expected: Iterable[Row]) -> None:
        """Rows that each follow on their account's one before."""
        newest = self.newest[table]
        for row in expected:
            _same(table, row, next(self._after(table, row[0], newest.get(row[0], _LEAST)), None))
            newest[row[0]] = row[1]
            self.rows[table] += 1

    def _after(self, table: str, account: int, last: int) -> Iterator[Row]:
        return self._select(
            f"SELECT * FROM {table} WHERE account = ? AND last > ? ORDER BY last LIMIT 1", (account, last)
        )

    def _nothing_beyond(self, table: str) -> None:
        """No account has a row after the newest that it should have, and nobody else has any."""
        account, where = _LEAST, "WHERE account > ? ORDER BY account LIMIT 1"
        while row := next(self._select(f"SELECT * FROM {table} {where}", (account,)), None):
            account = row[0]
            self._nothing_left(table, self._after(table, account, self.newest[table].get(account, _LEAST)))

    def _compare_trades(self, expected: Iterable[Row]) -> None:
        for row in expected:
            cursor = self.trades.get(row[0])
            if cursor is None:
                cursor = self._select("SELECT * FROM trades WHERE market = ? ORDER BY id", (row[0],))
                self.trades[row[0]] = cursor
            _same("trades", row, next(cursor, None))
            self.rows["trades"] += 1

    def _compare_by_seq(self, table: str, expected: Iterable[Row]) -> None:
        for row in expected:
            _same(table, row, next(self.by_seq[table], None))
            self.rows[table] += 1

    def _compare_closed_orders(self, changes: Changes) -> None:
        """An order that is final never changes again, so its row can be compared at once."""
        for order in (*changes.fresh.values(), *changes.orders.values()):
            if order.status > OrderStatus.PARTIALLY_FILLED:
                self._compare_order(order_row(order))

    def _compare_order(self, row: Row) -> None:
        _same("orders", row, next(self._select(f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = ?", (row[0],)), None))
        self.rows["orders"] += 1

    def _compare_list(self, order_list: OrderList) -> None:
        row = list_row(order_list)
        found = self._select("SELECT * FROM order_lists WHERE id = ?", (row[0],))
        _same("order_lists", row, next(found, None))
        self.rows["order_lists"] += 1

    def _add_bar(self, part: BarRow) -> None:
        whole = self.bars.setdefault((part.market, part.minute), part)
        if whole is part:
            return
        whole.high = max(whole.high, part.high)
        whole.low = min(whole.low, part.low)
        whole.close, whole.last_trade = part.close, part.last_trade
        whole.quantity = capped(whole.quantity + part.quantity)
        whole.notional = capped(whole.notional + part.notional)
        whole.count += part.count
        whole.taker_buy_quantity = capped(whole.taker_buy_quantity + part.taker_buy_quantity)
        whole.taker_buy_notional = capped(whole.taker_buy_notional + part.taker_buy_notional)

    def _finish(self) -> None:
        """The journal is through: nothing may be left over, and every current row must agree."""
        state = self.state
        for order in state.orders.values():
            self._compare_order(order_row(order))
        for order_list in state.lists.values():
            self._compare_list(order_list)
        self._nothing_left("postings", self.postings)
        for cursor in self.trades.values():
            self._nothing_left("trades", cursor)
        for table, rest in self.by_seq.items():
            self._nothing_left(table, rest)
        traded = tuple(self.trades)
        unknown = f"SELECT * FROM trades WHERE market NOT IN ({', '.join('?' * len(traded))})"
        self._nothing_left("trades", self._select(unknown, traded))
        beyond = "SELECT * FROM orders WHERE id < 1 OR id >= ?"
        self._nothing_left("orders", self._select(beyond, (state.next_order,)))
        for table in self.newest:
            self._nothing_beyond(table)
        beyond = "SELECT * FROM order_lists WHERE id < 1 OR id >= ?"
        self._nothing_left("order_lists", self._select(beyond, (state.next_list,)))
        for table, rows in _current_rows(state):
            self._compare_table(table, rows)
        self._compare_table("bars", [msgspec.structs.astuple(bar) for _, bar in sorted(self.bars.items())])
        self._compare_table("idempotency_keys", [self.keys[name] for name in sorted(self.keys)])
        self._compare_table("epochs", self.epochs)
        self._compare_table("credits", [self.credits[key] for key in sorted(self.credits)])
        for sentence in audit.violations(state):
            raise Difference("state", "after the last event", "a state that keeps the rules", sentence)

    def _nothing_left(self, table: str, cursor: Iterator[Row]) -> None:
        """Whatever `cursor` still has should not be there."""
        row = next(cursor, None)
        if row is not None:
            raise Difference(table, _name(table, row), None, row)

    def _compare_table(self, table: str, expected: list[Row]) -> None:
        """Compare a whole table with `expected`, both in the order of the columns that name a row."""
        found = self._select(f"SELECT * FROM {table} ORDER BY {', '.join(_KEYS[table])}")
        for row in expected:
            have = next(found, None)
            if table in _RECORDS and have is not None:
                have = (*have[:2], _normal(have[2], _RECORDS[table]), *have[3:])
            _same(table, row, have)
        self._nothing_left(table, found)
        self.rows[table] = len(expected)

    def _select(self, statement: str, values: Row = ()) -> Iterator[Row]:
        return self.connection.execute(statement, values)


def _name(table: str, row: Row) -> str:
    """What a row is called: `market 1, id 7`."""
    return ", ".join(f"{column} {value}" for column, value in zip(_KEYS[table], row, strict=False))


def _same(table: str, expected: Row, found: Row | None) -> None:
    """Raise `Difference` unless both are equal. Where their keys differ, the lower row is missing or too many."""
    if found == expected:
        return
    keys = len(_KEYS[table])
    if found is not None and found[:keys] < expected[:keys]:
        raise Difference(table, _name(table, found), None, found)
    there = found is not None and found[:keys] == expected[:keys]
    raise Difference(table, _name(table, expected), expected, found if there else None)


def _decode(name: str, blob: bytes) -> tuple[Event, ...]:
    try:
        return DECODER.decode(blob)
    except (msgspec.DecodeError, ValueError) as error:
        raise Difference("journal", name, "events that can be read", error) from error


def _normal(text: str, kind: type) -> str:
    """A record as this program writes it: a later version may have added fields with defaults."""
    try:
        return msgspec.json.encode(msgspec.json.decode(text, type=kind)).decode()
    except (msgspec.DecodeError, ValueError):
        return text


def _current_rows(state: State) -> Iterator[tuple[str, list[Row]]]:
    """What the current rows should be, table by table, in the order of their keys."""
    yield "assets", [msgspec.structs.astuple(asset) for _, asset in sorted(state.assets.items())]
    yield "markets", [market_row(book) for _, book in sorted(state.books.items())]
    fees: list[Row] = [(m, tier, *rates) for m, book in state.books.items() for tier, rates in book.tier_fees.items()]
    yield "tier_fees", sorted(fees)
    yield (
        "accounts",
        [(a.id, a.name, a.tier, int(a.frozen), a.seq, a.created) for _, a in sorted(state.accounts.items())],
    )
    yield "balances", sorted(state.balances.items())
    yield "countdowns", [(*name, due) for name, due in sorted(state.countdowns.items())]
    yield "armed_sessions", [session_row(name, armed) for name, armed in sorted(state.sessions.items())]
    yield "deposits", [_transfer(state.deposits[key]) for key in sorted(state.deposits)]
    yield "networks", [network_row(state.networks[key]) for key in sorted(state.networks)]
    yield "tier_limits", [(*key, limit.day, limit.month) for key, limit in sorted(state.tier_limits.items())]
    yield "payouts_shut", sorted(state.payouts_shut.items())
    yield "network_costs", [(key, *state.costs[key]) for key in sorted(state.costs)]
    yield "withdrawals", [_transfer(state.withdrawals[key]) for key in sorted(state.withdrawals)]


def _transfer(transfer: Any) -> Row:  # noqa: ANN401
    return msgspec.structs.astuple(transfer)
