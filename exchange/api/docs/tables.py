"""Pieces of the reference page: what opens and is found, tables of fields, records of an answer, examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import msgspec

from exchange.api.docs.schemas import Schema

Document = dict[str, Any]


def folded(anchor: str, head: str, text: str, more: Iterable[str] = ()) -> str:
    """One thing that can be opened and found."""
    words = " ".join([_plain(head), _plain(text), *more]).lower()
    return f'<details id="{anchor}" data-search="{escape(words)}"><summary>{head}</summary><div>{text}</div></details>'


def _plain(html: str) -> str:
    """The words of a piece of HTML, each once; examples left out."""
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<pre>.*?</pre>", " ", html, flags=re.DOTALL))
    return " ".join(dict.fromkeys(text.split()))


def table(rows: Iterable[tuple[str, str, str, bool]]) -> str:
    mandatory = "<span class=needed>mandatory</span>, "
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{mandatory if needed else ''}{values}</td>"
        f"<td>{escape(about)}</td></tr>"
        for name, values, about, needed in rows
    )
    return f'<table class="fields"><thead><tr><th>name</th><th>kind</th><th>meaning</th></tr></thead>{lines}</table>'


def kind(schema: Schema) -> str:
    """A schema in few words."""
    if "$ref" in schema:
        return escape(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        return " ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    sort = schema.get("type", "any")
    words = " or ".join(sort) if isinstance(sort, list) else str(sort)
    if sort == "array" and isinstance(schema.get("items"), dict) and schema["items"]:
        words = f"list of {kind(schema['items'])}"
    if schema.get("pattern", "").startswith(("^[0-9]{1,20}(", "^-?")):
        words = "amount"
    return words + (f", {schema['default']} if not sent" if "default" in schema else "")


def answered(schema: Schema, document: Document) -> str:
    """The records of an answer, the outermost first; of an answer that is a list of lists, what stands where."""
    records = list(dict.fromkeys(_records(schema, document)))
    positions = schema.get("items", {}).get("prefixItems", []) if schema.get("type") == "array" else []
    rows = [(str(place), kind(one), one.get("description", ""), False) for place, one in enumerate(positions)]
    listed = f"<h4>Each a list</h4>{table(rows)}" if rows else ""
    return listed + "".join(_record(name, document["components"]["schemas"][name]) for name in records)


def _records(schema: Any, document: Document) -> Iterator[str]:  # noqa: ANN401  # JSON
    waiting, seen = [schema], set[str]()
    while waiting:
        here = waiting.pop(0)
        if isinstance(here, list):
            waiting += here
        elif isinstance(here, dict):
            name = str(here.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen.add(name)
                yield name
                waiting.append(document["components"]["schemas"][name].get("properties", {}))
            waiting += [part for part in here.values() if isinstance(part, dict | list)]


def _record(name: str, schema: Schema) -> str:
    rows = [
        (field, kind(one), one.get("description", ""), False) for field, one in schema.get("properties", {}).items()
    ]
    about = f"<p class=soft>{escape(schema['description'])}</p>" if schema.get("description") else ""
    return f"<h4>{escape(name)}</h4>{about}{table(rows)}" if rows else ""


def shown(value: Any) -> str:  # noqa: ANN401  # JSON
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return f"<h4>Example</h4><pre><code>{escape(text)}</code></pre>"


def marked(text: str) -> str:
    """Backquotes become code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
