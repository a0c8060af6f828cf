"""The frame around every page: one file, no other files, and a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
HTML: Final = "text/html;charset=UTF-8"

LINKS: Final = (
    ("/docs", "Reference"),
    ("/docs/guide", "Guide"),
    ("/docs/clients", "Clients"),
    ("/docs/changelog", "Changelog"),
)


@cache
def _own(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


@cache
def policy() -> str:
    """Content-Security-Policy of the pages: our one style and our one script by their hashes, and nothing more."""
    own = f"style-src {_hash(_own('page.css'))}; script-src {_hash(_own('page.js'))}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def framed(title: str, path: str, navigation: str, body: str, *, searchable: bool = False) -> bytes:
    """A whole page. `navigation` and `body` are HTML."""
    here = "".join(
        f'<a href="{link}"{" aria-current=page" if link == path else ""}>{escape(text)}</a>' for link, text in LINKS
    )
    search = (
        '<label class="search"><span>Search</span> <input id="search" type="search" autocomplete="off" '
        'placeholder="order, depth, -1021 …"></label>'
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<style>{_own('page.css')}</style>\n</head>\n<body>\n"
        f'<header><strong>onebox-exchange</strong><nav aria-label="Pages">{here}</nav>{search if searchable else ""}'
        f'</header>\n<div class="columns">\n<nav class="contents" aria-label="On this page">{navigation}</nav>\n'
        f"<main>\n{body}\n</main>\n</div>\n<script>{_own('page.js')}</script>\n</body>\n</html>\n"
    ).encode()
