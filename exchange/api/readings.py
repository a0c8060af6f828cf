"""A quick reader of requests whose parameters have certain names: the rules of `parameters`, looked up once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from exchange.api.errors import Refused
from exchange.api.parameters import Field, fields_of, kind_of, legal

_NUMBERS: Final = frozenset({"Count", "Decimal", "Micros"})
"""Kinds that may come as a JSON number."""

_LISTS: Final = frozenset({"Symbols", "Permissions", "bool"})
"""Kinds that come as several kinds of JSON: too rare to be read quickly."""


class Reading:
    """Reads one record from parameters of just these names."""

    __slots__ = ("_others", "_patterns", "_tables", "_takes")

    def __init__(self, takes: type[msgspec.Struct], fields: Iterable[Field], numbers: Container[str]) -> None:
        """`fields` are those that are sent, `numbers` the names of those that come as a whole number of JSON."""
        self._takes = takes
        self._tables: list[tuple[str, str, Callable[[str], Any]]] = []
        self._patterns: list[tuple[str, str, Callable[[str], Any]]] = []
        self._others: list[tuple[str, str, Callable[[str, str], Any]]] = []
        for field in fields:
            kind = kind_of(takes, field.attribute)
            pattern = legal(kind)
            if isinstance(kind, type) and issubclass(kind, Enum):
                table = {member.name: member for member in kind}
                self._tables.append((field.attribute, field.name, table.get))
            elif pattern is not None and field.name not in numbers:
                self._patterns.append((field.attribute, field.name, pattern))
            else:
                self._others.append((field.attribute, field.name, field.read))

    def read(self, sent: Mapping[str, Any]) -> msgspec.Struct | None:
        """The record; None when a parameter is to be refused, which `parameters.decode` does in words."""
        values: dict[str, Any] = {}
        for attribute, name, member in self._tables:
            found = member(sent[name])
            if found is None:
                return None
            values[attribute] = found
        for attribute, name, matches in self._patterns:
            text = sent[name]
            if matches(text) is None:
                return None
            values[attribute] = text
        try:
            for attribute, name, read in self._others:
                text = str(sent[name])
                if not text:
                    return None
                values[attribute] = read(name, text)
        except Refused:
            return None
        return self._takes(**values)


def reading_of(takes: type[msgspec.Struct], kinds: Mapping[str, type], numbers: frozenset[type]) -> Reading | None:
    """How parameters of these names, and JSON of these kinds, are read; None when some of them would be refused.

    `numbers` are the kinds that stand for a number.
    """
    fields = {field.name: field for field in fields_of(takes)}
    if not kinds.keys() <= fields.keys():
        return None
    if any(field.mandatory and field.name not in kinds for field in fields.values()):
        return None
    sent = [fields[name] for name in kinds]
    for field in sent:
        if field.kind in _LISTS or (kinds[field.name] in numbers and field.kind not in _NUMBERS):
            return None
    return Reading(takes, sent, {name for name, kind in kinds.items() if kind is int})
