"""What passes over the operators' socket, and the only module of the exchange that the dashboard knows.

One JSON object a line. The client sends `Request`s, each with a number of its own; the server answers each with a
`Reply` or a `Refusal` of that number, in order, and sends pushes in between once the client has asked to `watch`.
Amounts, prices and quantities are plain decimal strings; times are microseconds since 1970 in UTC; spans are
microseconds where the name ends in `_us` and seconds where it ends in `_s`.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar, get_args

import msgspec

R = TypeVar("R")

MAX_ASK: Final = 16_384
"""The longest line that the server reads, in bytes."""

MAX_FRAME: Final = 1_048_576
"""The longest line that the server sends, in bytes."""

MAX_ROWS: Final = 500
"""The most rows in one reply; ask again with `after` for the next ones."""

Phase = Literal["PRE_OPEN", "OPEN", "POST_ONLY", "CANCEL_ONLY", "HALTED"]
Role = Literal["operations", "auditor"]
SideName = Literal["BUY", "SELL"]


# ---------------------------------------------------------------------------------------------
# Frames.


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of `method` with the fields of its `Ask` as `params`."""

    id: int
    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """Request `id` was done; `result` is the type that its `Ask` names."""

    id: int
    result: msgspec.Raw


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """Request `id` was not done, and nothing was changed, unless `code` is "unknown". `text` is for people.

    `id` is 0 where the server could not read one, or speaks of the connection as a whole; then it hangs up.
    """

    id: int
    code: str
    text: str


class Push(msgspec.Struct, frozen=True):
    """What the server sends unasked."""


# ---------------------------------------------------------------------------------------------
# What there is to see.


class Status(Push, frozen=True, tag="status"):
    """How the exchange is, each second. `ack_p50_us`, `ack_p99_us`: from submit to durable, over the last seconds.

    `violations` are the sentences of the last check of all invariants, made at `checked` (0: not yet).
    """

    time: int
    uptime_s: int
    demo: bool
    journal_seq: int
    orders_per_second: int
    ack_p50_us: int
    ack_p99_us: int
    queue_length: int
    queue_limit: int
    last_commit: int
    last_batch: int
    accounts: int
    open_orders: int
    checked: int
    violations: tuple[str, ...]


class MarketRow(msgspec.Struct, frozen=True):
    """One market at a glance. `bid` and `ask` are "" where nobody bids or asks."""

    symbol: str
    base: str
    quote: str
    phase: Phase
    tick_size: str
    lot_size: str
    last_price: str
    bid: str
    ask: str
    open_orders: int


class PhaseChanged(Push, frozen=True, tag="phase"):
    """A market was opened, halted or otherwise restricted."""

    symbol: str
    phase: Phase
    reason: str
    time: int


class Level(msgspec.Struct, frozen=True, array_like=True):
    """All that rests at one price."""

    price: str
    quantity: str
    orders: int


class BookView(Push, frozen=True, tag="book"):
    """The best levels of both sides as of event `seq`, best first.

    Pushed when they have changed, 5 times a second at most.
    """

    symbol: str
    seq: int
    phase: Phase
    last_price: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class TradeRow(msgspec.Struct, frozen=True, array_like=True):
    """One trade; `side` is the taker's."""

    id: int
    time: int
    price: str
    quantity: str
    side: SideName


class TradesView(Push, frozen=True, tag="trades"):
    """The newest trades of a market, newest first. Pushed together with its book."""

    symbol: str
    trades: tuple[TradeRow, ...]


class Closing(Push, frozen=True, tag="closing"):
    """The server hangs up, and why: "idle", "slow", "stopping" or "expired"."""

    reason: str
    text: str


FromServer = Reply | Refusal | Status | PhaseChanged | BookView | TradesView | Closing


class MarketList(msgspec.Struct, frozen=True):
    rows: tuple[MarketRow, ...]


class MarketRules(msgspec.Struct, frozen=True):
    """All rules of one market. Fees and bands are parts per million; a band of 0 is none."""

    row: MarketRow
    min_price: str
    max_price: str
    min_quantity: str
    max_quantity: str
    max_market_quantity: str
    min_notional: str
    max_notional: str
    maker_fee_ppm: int
    taker_fee_ppm: int
    band_up_ppm: int
    band_down_ppm: int
    max_orders: int
    max_algo_orders: int


class AccountRow(msgspec.Struct, frozen=True):
    id: int
    name: str
    tier: int
    frozen: bool
    created: int
    open_orders: int


class AccountList(msgspec.Struct, frozen=True):
    """`more`: there are further rows after the last of these."""

    rows: tuple[AccountRow, ...]
    more: bool


class BalanceRow(msgspec.Struct, frozen=True):
    asset: str
    available: str
    held: str


class AccountView(msgspec.Struct, frozen=True):
    """An account and all it has."""

    row: AccountRow
    balances: tuple[BalanceRow, ...]


class KeyRow(msgspec.Struct, frozen=True):
    """An API key without its secret. `kind` is "hmac" or "ed25519"; `revoked` is 0 while it lives."""

    api_key: str
    account: int
    account_name: str
    scopes: tuple[str, ...]
    kind: str
    label: str
    created: int
    revoked: int


class KeyList(msgspec.Struct, frozen=True):
    """`more`: there are further rows after the last of these."""

    rows: tuple[KeyRow, ...]
    more: bool


class KeyMade(msgspec.Struct, frozen=True):
    """A new key. `secret` is shown this once and is "" for Ed25519, whose private half never came here."""

    row: KeyRow
    secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"KeyMade({self.row!r})"


class OperatorRow(msgspec.Struct, frozen=True):
    """`removed` is 0 while the operator may attach."""

    name: str
    uid: int
    role: Role
    created: int
    removed: int


class OperatorList(msgspec.Struct, frozen=True):
    rows: tuple[OperatorRow, ...]


class OperatorMade(msgspec.Struct, frozen=True):
    """A new operator. `totp_uri` is for an authenticator app and is shown this once."""

    row: OperatorRow
    totp_uri: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"OperatorMade({self.row!r})"


class AuditRow(msgspec.Struct, frozen=True):
    """One entry of the audit trail.

    `stage` is "asked", then "done", "refused" or "failed" with the number of the asked one as `act`.
    """

    seq: int
    time: int
    operator: str
    uid: int
    act: int
    stage: str
    method: str
    detail: str


class AuditList(msgspec.Struct, frozen=True):
    rows: tuple[AuditRow, ...]


# ---------------------------------------------------------------------------------------------
# What may be asked. `method` is the name on the wire; the type parameter is the reply's result.


class Ask(msgspec.Struct, Generic[R], frozen=True, forbid_unknown_fields=True):
    method: ClassVar[str]


class Attached(msgspec.Struct, frozen=True):
    """Who the server takes the client for. `may` are the methods of that role; other calls will be refused."""

    operator: str
    role: Role
    demo: bool
    idle_s: int
    may: tuple[str, ...]


class Attach(Ask[Attached], frozen=True):
    """The first call. Without a `code` it is refused as "code_needed" where the operator has a TOTP secret."""

    method: ClassVar[str] = "attach"
    code: str = ""

    def __repr__(self) -> str:
        """Without the code."""
        return "Attach()"


class GetStatus(Ask[Status], frozen=True):
    method: ClassVar[str] = "status"


class Watching(msgspec.Struct, frozen=True):
    symbol: str


class Watch(Ask[Watching], frozen=True):
    """From here on push every `PhaseChanged`, `Status` each second if `status`, book and trades of `symbol` ("": none).

    The book and trades come once at once. Another `Watch` replaces this one.
    """

    method: ClassVar[str] = "watch"
    status: bool = True
    symbol: str = ""
    depth: int = 20


class ListMarkets(Ask[MarketList], frozen=True):
    method: ClassVar[str] = "markets"


class ShowMarket(Ask[MarketRules], frozen=True):
    method: ClassVar[str] = "market.show"
    symbol: str


class GetBook(Ask[BookView], frozen=True):
    method: ClassVar[str] = "book"
    symbol: str
    depth: int = 20


class GetTrades(Ask[TradesView], frozen=True):
    method: ClassVar[str] = "trades"
    symbol: str
    limit: int = 50


class SetPhase(Ask[MarketRow], frozen=True):
    """Open, halt or otherwise restrict a market; `reason` is journaled."""

    method: ClassVar[str] = "market.phase"
    symbol: str
    phase: Phase
    reason: str


class CreateAccount(Ask[AccountRow], frozen=True):
    method: ClassVar[str] = "account.create"
    name: str
    tier: int = 0


class ListAccounts(Ask[AccountList], frozen=True):
    """Accounts whose name contains `match`, by id, beginning after id `after`."""

    method: ClassVar[str] = "account.list"
    match: str = ""
    after: int = 0
    limit: int = MAX_ROWS


class ShowAccount(Ask[AccountView], frozen=True):
    """`account` is a name or an id."""

    method: ClassVar[str] = "account.show"
    account: str


class CreateKey(Ask[KeyMade], frozen=True):
    """Scopes: "read", "trade" (which includes read). With a `public_key_pem` the key is Ed25519, else HMAC-SHA256."""

    method: ClassVar[str] = "key.create"
    account: str
    scopes: tuple[str, ...]
    label: str = ""
    public_key_pem: str = ""


class ListKeys(Ask[KeyList], frozen=True):
    """Keys of `account` ("": of all) with `match` in key, label or account name, sorted, from after `after` on."""

    method: ClassVar[str] = "key.list"
    account: str = ""
    match: str = ""
    after: str = ""
    limit: int = MAX_ROWS


class RevokeKey(Ask[KeyRow], frozen=True):
    method: ClassVar[str] = "key.revoke"
    api_key: str


class CreditAccount(Ask[BalanceRow], frozen=True):
    """Demo money. A `reference` makes it safe to repeat: the second time is refused."""

    method: ClassVar[str] = "credit"
    account: str
    asset: str
    amount: str
    reference: str = ""


class ListOperators(Ask[OperatorList], frozen=True):
    method: ClassVar[str] = "operator.list"


class AddOperator(Ask[OperatorMade], frozen=True):
    method: ClassVar[str] = "operator.add"
    name: str
    uid: int
    role: Role


class RemoveOperator(Ask[OperatorRow], frozen=True):
    method: ClassVar[str] = "operator.remove"
    name: str


class TailAudit(Ask[AuditList], frozen=True):
    """The newest `limit` entries, oldest first; or, given `after`, the first `limit` that follow that number."""

    method: ClassVar[str] = "audit.tail"
    after: int = -1
    limit: int = 100


ASKS: Final[dict[str, type[Ask[Any]]]] = {
    ask.method: ask
    for ask in (
        *(Attach, GetStatus, Watch, ListMarkets, ShowMarket, GetBook, GetTrades, SetPhase),
        *(CreateAccount, ListAccounts, ShowAccount, CreateKey, ListKeys, RevokeKey, CreditAccount),
        *(ListOperators, AddOperator, RemoveOperator, TailAudit),
    )
}
"""Every method by its name. What is not here does not exist."""


def result_type(ask: type[Ask[R]]) -> type[R]:
    """The type of the result of `ask`."""
    found: type[R] = get_args(ask.__orig_bases__[0])[0]  # type: ignore[attr-defined]  # set by typing on every Ask[...]
    return found


# ---------------------------------------------------------------------------------------------
# Lines, text and paths.

_from_server = msgspec.json.Decoder(FromServer)
_request = msgspec.json.Decoder(Request)


def encode(frame: Request | FromServer) -> bytes:
    """One line."""
    return msgspec.json.encode(frame) + b"\n"


def request(number: int, ask: Ask[Any]) -> bytes:
    """The line that asks `ask` as request `number`."""
    return encode(Request(number, ask.method, msgspec.Raw(msgspec.json.encode(ask))))


def decode_request(line: bytes) -> Request:
    """A line that a client sent. Raises `msgspec.DecodeError`."""
    return _request.decode(line)


def decode_frame(line: bytes) -> FromServer:
    """A line that the server sent. Raises `msgspec.DecodeError`."""
    frame: FromServer = _from_server.decode(line)
    return frame


def decode_result(ask: Ask[R], reply: Reply) -> R:
    """The typed result in the reply to `ask`. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(reply.result, type=result_type(type(ask)))


def clean(text: str) -> str:
    """`text` with everything that could move a terminal's cursor, colour it or turn its writing round made visible."""
    return "".join(
        char if char == " " or unicodedata.category(char)[0] not in "CZ" else f"\\u{ord(char):04x}" for char in text
    )


@contextmanager
def reachable(socket: Path) -> Iterator[str]:
    """A path to bind or connect `socket` by, valid inside the block: the kernel takes 107 bytes at most."""
    if len(os.fsencode(socket)) < 108:
        yield str(socket)
        return
    folder = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{socket.name}"
    finally:
        os.close(folder)
