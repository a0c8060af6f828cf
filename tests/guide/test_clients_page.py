"""Every settings block of the page about clients is run as it stands; what needs its own environment, at night."""

from __future__ import annotations

import importlib
import os
import shutil
import sys

import pytest

from tests.guide.server import Served
from tests.guide.snippets import Snippet, page, run, snippets

SNIPPETS = snippets("clients")
HERE = [one for one in SNIPPETS if not one.where]
ELSEWHERE = [one for one in SNIPPETS if one.where]


@pytest.mark.parametrize("snippet", HERE, ids=[str(number) for number, _ in enumerate(HERE)])
def test_settings_work_as_they_stand(server: Served, snippet: Snippet) -> None:
    run(server, snippet, sys.executable, "-W", "ignore", "-c")


@pytest.mark.nightly
@pytest.mark.parametrize("snippet", ELSEWHERE, ids=[one.where for one in ELSEWHERE])
def test_settings_work_in_an_environment_of_their_own(
    server: Served, snippet: Snippet, monkeypatch: pytest.MonkeyPatch
) -> None:
    environments = importlib.import_module("tests.clients.environments")
    if snippet.language == "js":
        node = shutil.which("node")
        if node is None:
            pytest.skip("node is not installed")
        monkeypatch.setitem(os.environ, "NODE_PATH", str(environments.node_modules()))
        run(server, snippet, node, "-e")
    else:
        run(server, snippet, environments.interpreter(snippet.where), "-W", "ignore", "-c")


def test_the_page_has_a_heading_for_each_client() -> None:
    for name in ("ccxt", "ccxt.pro", "python-binance", "binance-sdk-spot", "binance-connector", "npm: binance"):
        assert f"\n## {name}\n" in page("clients")
