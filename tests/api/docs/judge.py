"""Holds what the server says to what is told about it: a schema made strict, so that a field nobody told is found."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator


def strict(schema: Any) -> Any:
    """The same schema, with no fields allowed but those it names."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        made.setdefault("additionalProperties", False)
    return made


def faults(document: dict[str, Any], schema: Any, value: Any) -> list[str]:
    """In which ways `value` is not what `schema` of the document says; none: it is."""
    whole = {**strict(schema), "components": strict(document["components"])}
    found = Draft202012Validator(whole).iter_errors(value)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in found]


def told(document: dict[str, Any], name: str, status: int) -> Any:
    """The schema of that endpoint's answer with that status."""
    method, path = name.split()
    return document["paths"][path][method.lower()]["responses"][str(status)]["content"]["application/json"]["schema"]


def message_faults(document: dict[str, Any], payload: Any, value: Any) -> list[str]:
    """The same for a message of the AsyncAPI document, whose schemas are draft 7."""
    whole = {"allOf": [strict(payload)], "components": {"schemas": strict(document["components"]["schemas"])}}
    return [error.message[:500] for error in Draft7Validator(whole).iter_errors(value)]
