"""From the types of replies and messages to JSON Schema: what is told cannot differ from what is encoded.

msgspec's own schemas refuse untagged unions of records, which the dialect is full of.
"""

from __future__ import annotations

import re
import types
import typing
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec import UnsetType

from exchange.api.docs.words import POSITIONS, Word, word

Schema = dict[str, Any]

_PLAIN: Final[dict[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    None: {"type": "null"},
    types.NoneType: {"type": "null"},
    object: {},
    Any: {},
    msgspec.Raw: {},
}
_DECIMAL: Final = r"^-?[0-9]+(\.[0-9]+)?$"
_is_decimal: Final = re.compile(_DECIMAL).fullmatch
_DEEPEST: Final = 6


class Schemas:
    """Records become components, each once; everything else is written where it stands."""

    def __init__(self) -> None:
        """None yet."""
        self.components: dict[str, Schema] = {}
        self._names: dict[type, str] = {}

    def of(self, hint: Any) -> Schema:  # noqa: ANN401  # any annotation
        """The schema of what a value with this annotation is encoded as."""
        if hint in _PLAIN:
            return dict(_PLAIN[hint])
        if isinstance(hint, typing.NewType):
            return self.of(hint.__supertype__)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            return {"$ref": f"#/components/schemas/{self._component(hint)}"}
        if isinstance(hint, type) and issubclass(hint, Enum):
            return {"enum": [member.value for member in hint]}
        return self._composed(hint)

    def _composed(self, hint: Any) -> Schema:  # noqa: ANN401  # as above
        origin, parts = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Annotated:
            return self.of(parts[0])
        if origin is typing.Literal:
            return {"enum": list(parts)}
        if origin in {list, set, frozenset} or (origin is tuple and parts[1:] == (...,)):
            return {"type": "array", "items": self.of(parts[0])}
        if origin is tuple:
            items = [self.of(part) for part in parts]
            if hint in POSITIONS:
                items = [described(one, told) for one, told in zip(items, POSITIONS[hint], strict=True)]
            return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(parts[1])}
        if origin in {typing.Union, types.UnionType}:
            choices = [self.of(part) for part in parts if part is not UnsetType]
            return choices[0] if len(choices) == 1 else {"anyOf": choices}
        raise TypeError(f"no schema is known for {hint!r}: teach exchange/api/docs/schemas.py to write one")

    def _component(self, record: type[msgspec.Struct]) -> str:
        name = self._names.get(record)
        if name is None:
            name = self._names[record] = self._free_name(record)
            self.components[name] = {}  # known before its fields are looked at, in case it holds itself
            self.components[name] = self._record(record)
        return name

    def _free_name(self, record: type) -> str:
        """The record's own name, or with its module's before it where two modules have one of that name."""
        if record.__name__ not in self.components:
            return record.__name__
        module = record.__module__.rpartition(".")[2]
        return "".join(part.capitalize() for part in module.split("_")) + record.__name__

    def _record(self, record: type[msgspec.Struct]) -> Schema:
        hints = typing.get_type_hints(record)
        properties: Schema = {}
        required = []
        config = record.__struct_config__
        if config.tag_field:
            properties[config.tag_field] = {"const": config.tag}
            required.append(config.tag_field)
        for field in msgspec.structs.fields(record):
            hint = hints[field.name]
            properties[field.encode_name] = described(self.of(hint), word(record.__name__, field.encode_name))
            if UnsetType not in typing.get_args(hint):
                required.append(field.encode_name)
        schema: Schema = {"type": "object", "properties": properties, "required": required}
        if record.__doc__:
            schema["description"] = record.__doc__
        return schema


def described(schema: Schema, told: Word) -> Schema:
    """`schema` with what the word says; a string whose example is an amount is one always."""
    if schema.get("type") == "string" and isinstance(told.example, str) and _is_decimal(told.example):
        schema.setdefault("pattern", _DECIMAL)
    examples = {} if told.example is None else {"examples": [told.example]}
    return {**schema, "description": told.text, **examples}


def example(schema: Schema, components: dict[str, Schema], depth: int = 0) -> Any:  # noqa: ANN401  # JSON
    """A value that fits, made of the examples of its parts."""
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema:
        return example(components[schema["$ref"].rpartition("/")[2]], components, depth + 1)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], components, depth)
    return _made(schema, components, depth)


def _made(schema: Schema, components: dict[str, Schema], depth: int) -> Any:  # noqa: ANN401  # JSON
    match schema.get("type"):
        case "array" if "prefixItems" in schema:
            return [example(item, components, depth + 1) for item in schema["prefixItems"]]
        case "array":
            return [example(schema["items"], components, depth + 1)] if schema["items"] and depth < _DEEPEST else []
        case "object":
            return {name: example(part, components, depth + 1) for name, part in schema.get("properties", {}).items()}
        case "integer":
            return 0
        case "boolean":
            return True
        case "string":
            return ""
        case _:
            return None
