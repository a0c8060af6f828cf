"""Why a deposit is not credited, and what can safely be done: in words for whoever asks with a transaction id."""

from __future__ import annotations

import re
from typing import Final

import apsw
import msgspec

from exchange.core.transfers import DepositState
from exchange.core.units import AccountId
from exchange.custody.deposits import chain_rows, incoming_rows
from exchange.custody.deposits.confirmations import HOUSE
from exchange.custody.deposits.incoming_rows import Row
from exchange.custody.port import Chain, Header, NodeFault, Standing, WrongChain

MAX_TXID: Final = 128
_TXID: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}")


class Explained(msgspec.Struct, frozen=True):
    """One payment, or what is known of a transaction that paid us nothing. `advice` is what can safely be done."""

    chain: str
    key: str
    account: AccountId | None
    state: str
    why: str
    advice: str
    confirmations: int = 0
    needed: int = 0


_ADVICE: Final = {
    DepositState.SEEN: ("it waits to be mined", "Wait. If it takes long, its sender may raise its fee."),
    DepositState.CREDITED: ("it was credited", "Nothing is to be done."),
    DepositState.SWEPT: ("it was credited", "Nothing is to be done."),
    DepositState.ORPHANED: (
        "its block was orphaned, or it was replaced",
        "Wait: if it is mined again it is credited. Otherwise the sender has the money still and can send again.",
    ),
}


def explain(db: apsw.Connection, txid: str, account: AccountId | None = None) -> list[Explained]:
    """All payments to us of a transaction that was read, of `account` alone where it is given."""
    where, args = "txid = ?", [txid]
    rows = [row for row in incoming_rows.select(db, where, args) if account is None or row.account == account]
    return [_explain(db, row) for row in rows[:100]]


def _explain(db: apsw.Connection, row: Row) -> Explained:
    at = chain_rows.progress(db, row.chain)
    height = 0 if at is None else at.height
    confirmations = height - row.height + 1 if row.height else 0
    needed = max(row.due - row.height + 1, 0) if row.due else 0
    state, why, advice = _words(row, at.stopped if at is not None else "")
    return Explained(row.chain, row.key, row.account, state, why, advice, confirmations, needed)


def _words(row: Row, stopped: str) -> tuple[str, str, str]:
    if row.state == HOUSE:
        return "house", "it pays an address of the house itself", "Nothing: it is nobody's deposit."
    state = DepositState(row.state)
    name = state.name.lower()
    if state is DepositState.CONFIRMING:
        if stopped:
            return name, f"the chain is stopped: {stopped}", "An operator must look at the chain; nothing is lost."
        final = ", and for the chain's own word that its block is final" if row.finality else ""
        return name, f"it waits for more blocks{final}", "Wait. It is credited by itself."
    if state is DepositState.HELD:
        return name, row.why, _advice_held(row.why)
    why, advice = _ADVICE[state]
    return name, row.why or why, advice


def _advice_held(why: str) -> str:
    if why.startswith("dust"):
        return "It is less than what handling it costs, and stays with the house. Send more at a time."
    if why.startswith("deposits of"):
        return "It is credited by itself once an operator opens deposits of this asset."
    if why.startswith("nobody's"):
        return "Whoever sent it must prove that to support: the address was given to nobody."
    if why.startswith("not listed"):
        return "This token is not listed here. Support can say whether it can be sent back."
    return "An operator must look at it; it is recorded and not lost."


async def look(chain: Chain, db: apsw.Connection, txid: str) -> Explained:
    """What the chain itself says of a transaction that paid us nothing as far as we have read."""
    if not _TXID.fullmatch(txid):
        why = "this is not the id of a transaction: such an id has 64 hexadecimal digits"
        return Explained(chain.name, "", None, "unknown", why, "Copy the id whole, and ask again.")
    at = chain_rows.progress(db, chain.name)
    try:
        found = await chain.find(txid)
    except (NodeFault, WrongChain, ValueError) as error:
        why = f"the node cannot be asked now: {error}"
        return Explained(chain.name, "", None, "unknown", why, "Ask again later.")
    if found.standing is Standing.UNKNOWN:
        why, advice = "this chain does not know it", "Is it on another network? Was the id copied whole?"
        return Explained(chain.name, "", None, "unknown", why, advice)
    if found.standing is Standing.PENDING:
        why = "it waits to be mined, and is not known to pay us"
        return Explained(chain.name, "", None, "seen", why, "Wait until it is mined, then ask again.")
    return _mined(chain.name, found.standing, found.header, 0 if at is None else at.height)


def _mined(name: str, standing: Standing, header: Header | None, height: int) -> Explained:
    if standing is Standing.REVERTED:
        why = "it failed on the chain: nothing was paid"
        return Explained(name, "", None, "reverted", why, "The sender has the money still, and can send again.")
    if header is not None and header.height > height:
        why = f"its block {header.height} was not read yet; we are at {height}"
        return Explained(name, "", None, "unread", why, "Wait. Every block is read, in order.")
    why = "it is in a block that was read, and pays no address of ours"
    advice = "Compare the address it paid with the one you were given, letter by letter. We cannot fetch it back."
    return Explained(name, "", None, "not ours", why, advice)
