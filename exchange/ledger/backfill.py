"""For ledgers older than migration 3: where each account's events lie, and its balances now and then.

Reads the whole journal once, within the transaction of the migration: either all of it is there or none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from exchange.core.events import Event, MatchPrevented, Traded
from exchange.core.postings import ACCOUNT_SHIFT
from exchange.core.state import MARK_EVERY

if TYPE_CHECKING:
    import apsw

_decode: Final = msgspec.msgpack.Decoder(tuple[Event, ...]).decode


def fill(connection: apsw.Connection) -> None:
    """Fill `account_events` and `balance_marks`."""
    postings = connection.execute("SELECT seq, debit, credit, amount FROM postings ORDER BY id")
    balances: defaultdict[int, Counter[int]] = defaultdict(Counter)
    marked: dict[int, int] = {}
    waiting = next(postings, None)
    for first, last, blob in connection.execute("SELECT first_seq, last_seq, events FROM journal ORDER BY first_seq"):
        while waiting is not None and waiting[0] <= last:
            _, debit, credit, amount = waiting
            balances[debit >> ACCOUNT_SHIFT][debit] -= amount
            balances[credit >> ACCOUNT_SHIFT][credit] += amount
            waiting = next(postings, None)
        for account, number in newest_numbers(_decode(blob)).items():
            connection.execute("INSERT INTO account_events VALUES (?, ?, ?)", (account, number, first))
            if number >= marked.get(account, MARK_EVERY):
                marked[account] = number - number % MARK_EVERY + MARK_EVERY
                content = sorted((key, amount) for key, amount in balances[account].items() if amount)
                row = (account, number, first, msgspec.msgpack.encode(content))
                connection.execute("INSERT INTO balance_marks VALUES (?, ?, ?, ?)", row)


def newest_numbers(events: tuple[Event, ...]) -> dict[int, int]:
    """Each account's last own event number among `events`."""
    newest: dict[int, int] = {}
    for event in events:
        if type(event) is Traded:
            newest[event.maker] = event.maker_seq
            newest[event.taker] = event.taker_seq
        elif type(event) is MatchPrevented:
            newest[event.account] = max(event.maker_seq, event.taker_seq)
        elif (number := getattr(event, "account_seq", None)) is not None:
            newest[event.account] = number  # type: ignore[union-attr]  # whoever has a number has an account
    return newest
