"""Parameters of a request: from bytes to a typed record, or refused with the dialect's code and the parameter's name.

A request is a `msgspec.Struct` whose field names are the parameters in snake case and whose types say how each is read.
A field without default is mandatory. What no field asks for is refused, as is what is sent twice.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache
from typing import Any, Final, NewType, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from exchange.api import errors
from exchange.api.errors import Refusal, Refused
from exchange.core.orders import OrderType, SelfTrade, Side, TimeInForce
from exchange.core.units import MAX_STORED, Micros
from exchange.market_data.intervals import INTERVALS, Interval

R = TypeVar("R", bound=msgspec.Struct)

Symbol = NewType("Symbol", str)
"""A market's name as sent: well-formed, perhaps unknown."""
Symbols = NewType("Symbols", tuple)  # type: ignore[type-arg]  # of Symbol; NewType takes no parameters
"""A JSON list of symbols, none twice."""
ClientId = NewType("ClientId", str)
"""What a client calls an order or a cancel: 1 to 36 letters, digits, - and _."""
IdempotencyKey = NewType("IdempotencyKey", str)
"""What a client calls a deed that is to be done once: 1 to 64 letters, digits, - and _."""
Entries = NewType("Entries", tuple)  # type: ignore[type-arg]  # of dict[str, str]
"""A JSON list of up to 20 objects of parameters."""
Decimal = NewType("Decimal", str)
"""Digits with at most one point; the endpoint knows of which unit."""
Count = NewType("Count", int)
"""A whole number from 0 to 2**63 - 1: ids, limits."""
Permissions = NewType("Permissions", tuple)  # type: ignore[type-arg]  # of str
"""One permission, or a JSON list of them."""
Zone = NewType("Zone", int)
"""Microseconds by which clocks are ahead of UTC; sent as hours, or hours and minutes."""
Window = NewType("Window", int)
"""A length of time in microseconds; sent as minutes, hours or days."""


class ResponseType(Enum):
    """How much a placed order's answer tells."""

    ACK = 1
    RESULT = 2
    FULL = 3


class Format(Enum):
    """How the ledger is written."""

    JSON = 1
    CSV = 2


class TickerType(Enum):
    """Whether a ticker carries all figures or those of a candle."""

    FULL = 1
    MINI = 2


class ReplaceMode(Enum):
    """Whether a failed cancel keeps the new order from being tried."""

    STOP_ON_FAILURE = 1
    ALLOW_FAILURE = 2


class CancelRestriction(Enum):
    """In which status alone an order is to be cancelled; the values are those of `OrderStatus`."""

    ONLY_NEW = 1
    ONLY_PARTIALLY_FILLED = 2


class RateLimitMode(Enum):
    """What a cancel-replace does when the account has placed too many orders: nothing at all, or still cancel."""

    DO_NOTHING = 1
    CANCEL_ONLY = 2


class SymbolStatus(Enum):
    """What a market lets in, in the dialect's words."""

    TRADING = 1
    HALT = 2
    BREAK = 3


MAX_PARAMETERS: Final = 64
MAX_SYMBOLS: Final = 100
"""Tickers that have to be added up are given for so many markets at a time."""
_MICROSECONDS_FROM: Final = 10**14
"""Times from here on are microseconds: as milliseconds they would lie in the year 5138."""

_MINUTE: Final = 60_000_000

_SYMBOL: Final = "^[A-Z0-9-_.]{1,20}$"
_SYMBOL_LIST: Final = r"^\[(\"[A-Z0-9-_.]{1,20}\"){1}(,\"[A-Z0-9-_.]{1,20}\"){0,}\]$"
_CLIENT_ID: Final = "^[a-zA-Z0-9-_]{1,36}$"
_IDEMPOTENCY_KEY: Final = "^[a-zA-Z0-9-_]{1,64}$"
_MAX_ENTRIES: Final = 20
_DECIMAL: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_WHOLE: Final = "^[0-9]{1,20}$"
_QUARTERS: Final = "(:(00|15|30|45))?"
ZONE: Final = f"^(-(0?[0-9]|1[01]){_QUARTERS}|-12(:00)?|(0?[0-9]|1[0-3]){_QUARTERS}|14(:00)?)$"
WINDOW: Final = "^([1-9]|[1-5][0-9])m$|^([1-9]|1[0-9]|2[0-3])h$|^[1-7]d$"
"""From -12:00 to 14:00 in quarters of an hour, as all zones are; and minutes up to 59, hours to 23, days to 7."""

_FLAG: Final = "^(true|false|TRUE|FALSE)$"


def pairs(raw: bytes) -> list[tuple[str, str]]:
    """The name and value of each parameter in a query string or form body, in order, percent-decoded."""
    found = []
    for part in raw.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            found.append((_decoded(name), _decoded(value)))
            if len(found) > MAX_PARAMETERS:
                raise Refused(errors.TOO_MANY_PARAMETERS)
    return found


def _decoded(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Refused(errors.ILLEGAL_SOMEWHERE) from None


def distinct(sent: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters by name; the same name twice is refused, for which of the two would count."""
    found: dict[str, str] = {}
    for name, value in sent:
        if name in found:
            raise Refused(errors.DUPLICATE_PARAMETER)
        found[name] = value
    return found


class Field(msgspec.Struct, frozen=True):
    """One parameter of an endpoint: its name on the wire, how it is read, and whether it may be left out."""

    name: str
    attribute: str
    read: Callable[[str, str], Any]
    kind: str
    mandatory: bool


@cache
def fields_of(takes: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The parameters that a request record asks for."""
    found = []
    for field in msgspec.structs.fields(takes):
        kind = kind_of(takes, field.name)
        found.append(Field(field.encode_name, field.name, _READ[kind], kind.__name__, field.required))
    return tuple(found)


def kind_of(takes: type[msgspec.Struct], attribute: str) -> Any:  # noqa: ANN401  # a class or a NewType
    """The kind of one parameter of a request record, whether it may be left out or not."""
    hint = typing.get_type_hints(takes)[attribute]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def legal(kind: Any) -> Callable[[str], object] | None:  # noqa: ANN401  # a class or a NewType
    """What matches the texts of a kind that are taken as they are; None for kinds that are read otherwise."""
    pattern = {Symbol: _SYMBOL, ClientId: _CLIENT_ID, Decimal: _DECIMAL}.get(kind)
    return re.compile(pattern[1:-1], re.ASCII).fullmatch if pattern is not None else None


def decode(takes: type[R], sent: dict[str, str]) -> R:
    """The request that `sent` asks for; raises `Refused`, naming the first parameter that is wrong."""
    fields = fields_of(takes)
    _refuse_unknown(fields, sent)
    values = {}
    for field in fields:
        text = sent.get(field.name)
        if text:
            values[field.attribute] = field.read(field.name, text)
        elif field.mandatory:
            raise Refused(errors.missing(field.name))
        elif text is not None:
            raise Refused(errors.empty(field.name))
    return takes(**values)


def _refuse_unknown(fields: tuple[Field, ...], sent: dict[str, str]) -> None:
    known = {field.name for field in fields}
    unknown = [name for name in sent if name not in known]
    if not unknown:
        return
    if not known:
        raise Refused(errors.too_many(0, len(sent)))
    name = unknown[0] if unknown[0].isascii() and unknown[0].isprintable() else "?"
    raise Refused(errors.unread(len(sent) - len(unknown), len(sent), name[:40]))


def _pattern(legal: str) -> Callable[[str, str], str]:
    matches = re.compile(legal[1:-1], re.ASCII).fullmatch

    def read(name: str, text: str) -> str:
        if matches(text) is None:
            raise Refused(errors.illegal(name, legal))
        return text

    return read


_whole = _pattern(_WHOLE)
_flag = _pattern(_FLAG)
_symbol = _pattern(_SYMBOL)


def _count(name: str, text: str) -> int:
    value = int(_whole(name, text))
    if value > MAX_STORED:
        raise Refused(errors.overflowed(name))
    return value


def read_time(name: str, text: str) -> Micros:
    """A time sent in milliseconds or microseconds."""
    value = _count(name, text)
    if value > _MICROSECONDS_FROM * 1000:
        raise Refused(errors.overflowed(name))
    return Micros(value if value >= _MICROSECONDS_FROM else value * 1000)


def _boolean(name: str, text: str) -> bool:
    return _flag(name, text).lower() == "true"


def _json_list(name: str, text: str) -> list[str]:
    try:
        listed = msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, RecursionError):
        raise Refused(errors.illegal(name, _SYMBOL_LIST)) from None
    if not listed:
        raise Refused(errors.illegal(name, _SYMBOL_LIST))
    return listed


def _symbols(name: str, text: str) -> tuple[str, ...]:
    listed = _json_list(name, text)
    for symbol in listed:
        _symbol(name, symbol)
    if len(set(listed)) < len(listed):
        raise Refused(errors.DUPLICATE_SYMBOLS)
    return tuple(listed)


def _permissions(name: str, text: str) -> tuple[str, ...]:
    return tuple(_json_list(name, text)) if text.startswith("[") else (text,)


def _entries(name: str, text: str) -> tuple[dict[str, str], ...]:
    """Objects whose members are strings, numbers or true and false, each as the text that it was sent as."""
    try:
        listed = msgspec.json.decode(text, type=list[msgspec.Raw])
        entries = tuple(distinct(_members(name, raw)) for raw in listed)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(errors.invalid(name)) from None
    if not 1 <= len(entries) <= _MAX_ENTRIES:
        raise Refused(errors.invalid(name))
    return entries


class _Member(str):
    """A name that is equal to no other, so that one that is sent twice can be seen."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


_decode_members: Final = msgspec.json.Decoder(dict[_Member, msgspec.Raw], dec_hook=lambda _, text: _Member(text)).decode


def _members(name: str, raw: msgspec.Raw) -> list[tuple[str, str]]:
    found = [(str(key), bytes(value).decode()) for key, value in _decode_members(raw).items()]
    if any(value.startswith(("{", "[", "n")) for _, value in found):
        raise Refused(errors.invalid(name))
    return [(key, msgspec.json.decode(text) if text.startswith('"') else text) for key, text in found]


def _named(kind: type[Enum], refusal: Refusal | None = None) -> Callable[[str, str], Any]:
    by_name = {member.name: member for member in kind}

    def read(name: str, text: str) -> Enum:
        member = by_name.get(text)
        if member is None:
            raise Refused(refusal or errors.invalid(name))
        return member

    return read


_prevention = _named(SelfTrade)


def _self_trade(name: str, text: str) -> Enum:
    """A mode of self-trade prevention; the one that would move money between grouped accounts is not for us."""
    if text == "TRANSFER":
        raise Refused(errors.BAD_PREVENTION)
    mode: Enum = _prevention(name, text)
    return mode


def _interval(_: str, text: str) -> Interval:
    interval = INTERVALS.get(text)
    if interval is None:
        raise Refused(errors.BAD_INTERVAL)
    return interval


_is_zone: Final = re.compile(ZONE, re.ASCII).fullmatch


def _zone(name: str, text: str) -> int:
    if _is_zone(text) is None:
        raise Refused(errors.illegal(name, ZONE))
    hours, _, minutes = text.removeprefix("-").partition(":")
    ahead = int(hours) * 60 + int(minutes or 0)
    return (-ahead if text.startswith("-") else ahead) * _MINUTE


_UNITS: Final = {"m": _MINUTE, "h": 60 * _MINUTE, "d": 24 * 60 * _MINUTE}
_is_window: Final = re.compile(WINDOW, re.ASCII).fullmatch


def _window(name: str, text: str) -> int:
    if _is_window(text) is None:
        raise Refused(errors.illegal(name, WINDOW))
    return int(text[:-1]) * _UNITS[text[-1]]


def _anything(_: str, text: str) -> str:
    return text


_READ: Final[dict[Any, Callable[[str, str], Any]]] = {
    str: _anything,
    bool: _boolean,
    Symbol: _symbol,
    Symbols: _symbols,
    ClientId: _pattern(_CLIENT_ID),
    IdempotencyKey: _pattern(_IDEMPOTENCY_KEY),
    Entries: _entries,
    Format: _named(Format),
    Decimal: _pattern(_DECIMAL),
    Count: _count,
    Micros: read_time,
    Permissions: _permissions,
    Zone: _zone,
    Window: _window,
    Interval: _interval,
    Side: _named(Side, errors.BAD_SIDE),
    OrderType: _named(OrderType, errors.BAD_ORDER_TYPE),
    TimeInForce: _named(TimeInForce, errors.BAD_TIME_IN_FORCE),
    SelfTrade: _self_trade,
    ResponseType: _named(ResponseType, errors.BAD_RESPONSE_TYPE),
    TickerType: _named(TickerType, errors.BAD_TICKER_TYPE),
    SymbolStatus: _named(SymbolStatus, errors.BAD_SYMBOL_STATUS),
    CancelRestriction: _named(CancelRestriction, errors.BAD_CANCEL_RESTRICTION),
    ReplaceMode: _named(ReplaceMode),
    RateLimitMode: _named(RateLimitMode),
}
"""How each kind of parameter is read: (name, text) -> value, raising `Refused`."""
