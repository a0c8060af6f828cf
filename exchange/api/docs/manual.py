"""The manual's pages: the Markdown files of the folder `docs`, as HTML."""

from __future__ import annotations

import itertools
import re
from html import escape
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from exchange.api.docs.frame import framed

FOLDER: Final = Path(__file__).parent / "manual"
"""A link to `docs` at the top of the repository; in a wheel, a folder."""

_markdown: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def names() -> list[str]:
    """The pages there are."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def source(name: str) -> str:
    """A page as it was written."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def title(name: str) -> str:
    """What its first heading says."""
    return source(name).partition("\n")[0].lstrip("# ")


def page(name: str) -> bytes:
    """A page as HTML, with a table of its headings."""
    tokens = _markdown.parse(source(name))
    headings = list(_anchored(tokens))
    for token in tokens:
        for part in token.children or ():
            if part.type == "link_open":
                part.attrs["href"] = _link(str(part.attrs.get("href", "")))
    body = _markdown.renderer.render(tokens, _markdown.options, {})
    body = body.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    links = "".join(f'<li><a href="#{anchor}">{escape(text)}</a></li>' for anchor, text in headings[1:])
    return framed(title(name), f"/docs/{name}", f"<ul>{links}</ul>", body)


def _anchored(tokens: list[Token]) -> list[tuple[str, str]]:
    """Give each heading an id; (id, text) of those of the first two ranks."""
    found = []
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(part.content for part in inline.children or ())
            anchor = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
            opening.attrs["id"] = anchor
            if opening.tag in {"h1", "h2"}:
                found.append((anchor, text))
    return found


def _link(target: str) -> str:
    """Links between the files of the folder become links between pages."""
    file, hash_, anchor = target.partition("#")
    return f"/docs/{file.removesuffix('.md')}{hash_}{anchor}" if re.fullmatch(r"[a-z-]+\.md", file) else target
