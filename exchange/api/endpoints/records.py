"""Beyond the dialect: an account's own events by number, and every change of its balances with its cause."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

import msgspec

from exchange.api.auth import Caller
from exchange.api.endpoints.orders import page
from exchange.api.own_words import LedgerRow, ledger_row, own_event
from exchange.api.parameters import Count, Format
from exchange.api.rooms import Rooms
from exchange.api.submission import Document
from exchange.core.units import AccountId

_FORMULA: Final = ("=", "+", "-", "@", "\t")


class Numbered(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """From which of the account's own event numbers on, and how many events at most."""

    start: Count = Count(1)
    limit: Count = Count(500)


class LedgerRequest(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """The same, and how it is to be written."""

    start: Count = Count(1)
    limit: Count = Count(500)
    format: Format = Format.JSON


class EventPage(msgspec.Struct, frozen=True):
    """Events without a gap. Go on with `next`; the account's last event so far is number `last`."""

    events: list[dict[str, Any]]
    next: int
    last: int


class LedgerPage(msgspec.Struct, frozen=True):
    """What each event changed, row by row. Go on with `next`; the account's last event so far is number `last`."""

    rows: list[LedgerRow]
    next: int
    last: int


async def last_number(rooms: Rooms, account: AccountId) -> int:
    """The account's last event that is durable."""
    return await rooms.sequencer.read(lambda state: state.accounts[account].seq)


async def events(rooms: Rooms, caller: Caller, request: Numbered) -> EventPage:
    """One's own events in their order, each with its number, none left out."""
    last = await last_number(rooms, caller.account)
    start, limit, records = max(1, request.start), page(request.limit), rooms.records
    found = await records.run(lambda: records.events(caller.account, start, limit))
    told = [own_event(own, rooms.catalogue) for own in found]
    return EventPage(told, found[-1].number + 1 if found else start, max(last, found[-1].number if found else 0))


async def ledger(rooms: Rooms, caller: Caller, request: LedgerRequest) -> LedgerPage | Document:
    """Every change of one's own balances with its cause; the amounts of all rows add up to the balances."""
    last = await last_number(rooms, caller.account)
    start, limit, records = max(1, request.start), page(request.limit), rooms.records
    moves, beyond = await records.run(lambda: records.movements(caller.account, start, limit))
    rows = [ledger_row(move, rooms.catalogue) for move in moves]
    last = max(last, beyond - 1 if beyond > start else 0)
    if request.format is Format.CSV:
        headers = [("x-next-from", str(beyond)), ("x-last-number", str(last))]
        return Document(_as_csv(rows), "text/csv;charset=UTF-8", headers)
    return LedgerPage(rows, beyond, last)


def _as_csv(rows: list[LedgerRow]) -> bytes:
    """A header line and a line per row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(msgspec.structs.fields(LedgerRow)[n].encode_name for n in range(len(LedgerRow.__struct_fields__)))
    for row in rows:
        *cells, reference = msgspec.structs.astuple(row)
        writer.writerow([*(cell or "" for cell in cells), _harmless(reference)])
    return text.getvalue().encode()


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
