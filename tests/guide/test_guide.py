"""Every snippet of the guide is typed here as it stands, against a real server, and must print what the guide says."""

from __future__ import annotations

import re
import sys

import pytest

from tests.guide.server import Served
from tests.guide.snippets import Snippet, page, run, snippets

SNIPPETS = snippets("guide")
COMMANDS = {"sh": ("bash", "-e", "-c"), "python": (sys.executable, "-W", "ignore", "-c")}


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[f"{number}-{one.language}" for number, one in enumerate(SNIPPETS)])
def test_a_snippet_does_what_the_guide_says(server: Served, snippet: Snippet) -> None:
    run(server, snippet, *COMMANDS[snippet.language])


def test_the_guide_speaks_of_what_was_promised() -> None:
    headings = re.findall(r"^## (.+)$", page("guide"), re.MULTILINE)
    assert headings[:4] == ["curl", "ccxt", "python-binance", "Plain WebSockets"]
    for word in ("429", "-1021", "Retry-After", "origClientOrderId", "lastUpdateId", "userDataStream"):
        assert word in page("guide")
