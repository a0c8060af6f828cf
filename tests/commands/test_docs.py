"""`exchange docs`: the pages of the server as files that can be read without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange import cli


def test_it_writes_every_page_and_they_link_to_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "site"
    assert cli.main(["docs", "--out", str(out), "--dir", str(tmp_path)]) == 0
    assert "openapi.json" in capsys.readouterr().out
    files = {file.name for file in out.iterdir()}
    assert {"index.html", "guide.html", "clients.html", "changelog.html", "asyncapi.json", "supported.json"} <= files
    for file in out.glob("*.html"):
        for link in re.findall(r'href="([^"#]+)', file.read_text(encoding="utf-8")):
            assert link.startswith("https://") or link in files, (file.name, link)
