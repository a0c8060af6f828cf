"""Which refusals an endpoint can give, read from its very code: no list to keep, none to forget.

The code of an endpoint names the refusals it raises (`errors.BAD_COMBINATION`), the functions it calls, and the
commands it submits, whose decisions name their rejects. All that is named anywhere on that way counts, so the list
holds every refusal that is possible, and perhaps one that the parameters at hand rule out. Tests hold replies to it.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final

import msgspec

from exchange.api import answering, catalogue, errors, limits, parameters
from exchange.api.errors import Refusal, refusal_of
from exchange.api.http_routes import Route, find
from exchange.core import commands, deciding
from exchange.core.rejects import Reject

_ROOMS: Final[dict[str, type]] = {"catalogue": catalogue.Catalogue, "limits": limits.Limits}
"""Rooms whose methods endpoints call and which refuse by themselves."""

_WITH_SEQUENCER: Final = (Reject.QUEUE_FULL, Reject.STORAGE_LOW, Reject.INTERNAL)
"""What any command may meet before it is decided."""

_PARTS: Final = {"CancelReplace": ("CancelOrder", "PlaceOrder")}
"""Commands that are decided as several others."""


@cache
def of_route(route: Route) -> tuple[Refusal, ...]:
    """Every refusal of that endpoint over HTTP, by code and text."""
    roots: list[Any] = [
        route.call,
        route.begin,
        answering.answer,
        *(field.read for field in parameters.fields_of(route.takes)),
    ]
    found = {(refusal.code, refusal.text): refusal for refusal in _named(roots)}
    return tuple(found[key] for key in sorted(found, reverse=True))


@cache
def of_all() -> frozenset[Refusal]:
    """What any endpoint at all can give: limits, signatures, parameters."""
    return frozenset(_named([answering.answer]))


@cache
def of_function(function: Callable[..., Any]) -> tuple[Refusal, ...]:
    """Every refusal that the function's code, and what it calls, names."""
    found = {(refusal.code, refusal.text): refusal for refusal in _named([function])}
    return tuple(found[key] for key in sorted(found, reverse=True))


def _named(roots: Iterable[Any]) -> Iterator[Refusal]:
    """All refusals that the code reachable from `roots` names."""
    yield from (errors.INTERNAL, errors.BODY_TOO_LARGE, errors.BODY_TOO_SLOW)
    waiting, seen = list(roots), set[int]()
    while waiting:
        function = inspect.unwrap(waiting.pop())
        code = getattr(function, "__code__", None)
        if code is None or id(function) in seen:
            continue
        seen.add(id(function))
        for value in _values(function, code):
            if isinstance(value, Refusal):
                yield value
            elif isinstance(value, Reject):
                yield refusal_of(value)
            elif isinstance(value, types.FunctionType) and _may_refuse(value):
                if value.__module__ == errors.__name__ and value is not refusal_of:
                    yield _sample(value)
                else:
                    waiting.append(value)
            elif isinstance(value, type) and issubclass(value, msgspec.Struct):
                yield from _decided(value)


def _may_refuse(function: Callable[..., Any]) -> bool:
    """Whether to look into it: functions of the doors and of core; others do not refuse."""
    return function is not find and function.__module__.startswith(("exchange.api", "exchange.core"))


def _values(function: Any, code: types.CodeType) -> Iterator[Any]:  # noqa: ANN401  # any function
    """What the names in a function's code stand for: globals, what its closure holds, attributes of modules."""
    names = set(_names(code))
    known = getattr(function, "__globals__", {})
    holders: list[Any] = [known[name] for name in names if isinstance(known.get(name), types.ModuleType | type)]
    holders += [room for name, room in _ROOMS.items() if name in names]
    owner = known.get(getattr(function, "__qualname__", "").partition(".")[0])
    if isinstance(owner, type):
        holders.append(owner)  # what a method calls on itself
    for name in names:
        if name in known:
            yield from _flat(known[name])
        for holder in holders:
            if name in vars(holder):
                yield from _flat(vars(holder)[name])
    for cell in getattr(function, "__closure__", None) or ():
        yield from _flat(cell.cell_contents)
    for name in names & {command.__name__ for command in _decidable()}:
        yield getattr(commands, name)


def _flat(value: Any) -> Iterator[Any]:  # noqa: ANN401  # anything
    """The value, or what a table holds."""
    if isinstance(value, dict) and len(value) < 64:
        for part in value.values():
            yield from _flat(part)
    else:
        yield value


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    yield from code.co_freevars
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _decidable() -> list[type]:
    return [*deciding.DECIDE, commands.CancelReplace]


def _decided(command: type) -> Iterator[Refusal]:
    """What the decision on a command may refuse."""
    parts = [
        getattr(commands, name) for name in _PARTS.get(command.__name__, (command.__name__,)) if hasattr(commands, name)
    ]
    decisions = [deciding.DECIDE[part] for part in parts if part in deciding.DECIDE]
    if decisions:
        yield from (refusal_of(reject) for reject in _WITH_SEQUENCER)
        yield from _named(decisions)


def _sample(make: Callable[..., Refusal]) -> Refusal:
    """A refusal with room for words, as that function words it."""
    kinds = {"str": "...", "int": 0}
    return make(*(kinds.get(one.annotation, "...") for one in inspect.signature(make).parameters.values()))
