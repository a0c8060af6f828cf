"""docs/compatibility.md: which function of which client works here, as last seen by the tests that call them all.

Each section of that page is what one sweep found, so the page cannot promise what is not so. `RECORD=1` writes anew
what a sweep finds instead of complaining about it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "compatibility.md"
ENOUGH_TO_FOLD: Final = 3
WIDTH: Final = 118

_HEAD: Final = """# Which clients work

Unmodified libraries, only their URLs and keys changed, run against both doors. Every function that a library offers
is called once with sensible arguments; stories with exact amounts are in `tests/clients`. A function either works or is
refused: by us with -1020, `This operation is not supported.` (404 for a path of WebSockets that is not here, 400 for a
stream), with -1104 and the name of a parameter that an endpoint does not have, with -2010 for a kind of order that a
market does not take, with -2043 where a market has no reference price; or by the library itself, which does not even
ask. `name_…` (7) stands for seven functions whose names begin so. Written by
`RECORD=1 NIGHTLY=1 make test ARGS=tests/clients`. Of bots, which have no functions to call, it is what they do.

ccxt's own fixtures, lists of calls with what it sends and what it makes of replies, are a second judge:
`tests/clients/ccxt_fixtures/requests.md` has every spot request of them with what this house answers.

| client | functions | work | refused here | refused by the library itself |
|---|---|---|---|---|
"""


_COUNTS: Final = re.compile(r"^(\d+) functions: (\d+) work, (\d+) refused here, (\d+) not asked", re.MULTILINE).search


REFUSALS: Final = frozenset(f"refused {code}" for code in (-1020, 400, 404, -1104, -2043, -2010))
"""Ways to be refused by name. -2043: the market has no reference price. -2010: a kind of order it does not take."""


def faults(verdicts: dict[str, str]) -> dict[str, str]:
    """What neither works nor is refused by name."""
    fine = REFUSALS | {"works"}
    return {name: told for name, told in verdicts.items() if told not in fine and not told.startswith("not asked")}


def section(title: str, verdicts: dict[str, str]) -> str:
    """What one sweep found, as a section of the page."""
    works = [name for name, verdict in verdicts.items() if verdict == "works"]
    ours = [name for name, verdict in verdicts.items() if verdict.startswith("refused")]
    theirs = [name for name, verdict in verdicts.items() if verdict.startswith("not asked")]
    lines = [f"## {title}", ""]
    lines.append(f"{len(verdicts)} functions: {len(works)} work, {len(ours)} refused here, {len(theirs)} not asked.")
    for heading in sorted(set(verdicts.values()), key=lambda verdict: (verdict != "works", verdict)):
        names = sorted(name for name, verdict in verdicts.items() if verdict == heading)
        others = sorted(set(verdicts) - set(names))
        shown = [f"`{name}`" for name in names] if heading == "works" else folded(names, others)
        said = {"works": "Work"}.get(heading, heading[0].upper() + heading[1:])
        lines += ["", _wrapped(f"**{said}** ({len(names)}): ", shown)]
    return "\n".join(lines) + "\n"


def folded(names: list[str], others: list[str]) -> list[str]:
    """Names, with those that alone share a beginning put together."""
    found, rest = [], list(names)
    while rest:
        name = rest[0]
        for start in _beginnings(name):
            group = [one for one in rest if one.startswith(start)]
            if len(group) >= ENOUGH_TO_FOLD and not any(other.startswith(start) for other in others):
                found.append(f"`{start}…` ({len(group)})")
                break
        else:
            group = [name]
            found.append(f"`{name}`")
        rest = [one for one in rest if one not in group]
    return found


def _beginnings(name: str) -> list[str]:
    """`a_b_c` begins with `a_` and with `a_b_`; `aBigName` with `a` and `aBig`."""
    ends = [match.end() for match in re.finditer("_", name)] or [match.start() for match in re.finditer("[A-Z]", name)]
    return [name[:end] for end in ends if name[:end].strip("_")]


def _wrapped(start: str, words: list[str]) -> str:
    lines, line = [], start
    for number, word in enumerate(words):
        piece = word + ("." if number == len(words) - 1 else ", ")
        if len(line) + len(piece.rstrip()) > WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return "\n".join([*lines, line.rstrip()])


def sections() -> dict[str, str]:
    """The sections of the page, by title."""
    parts = re.split(r"^(?=## )", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].removeprefix("## "): part.rstrip() + "\n" for part in parts}


def page(parts: dict[str, str]) -> str:
    """The whole page from its sections."""
    rows = []
    for title in sorted(parts, key=str.lower):
        counts = re.search(
            r"^(\d+) functions: (\d+) work, (\d+) refused here, (\d+) not asked", parts[title], re.MULTILINE
        )
        assert counts is not None, title
        rows.append(f"| {title} | {' | '.join(counts.groups())} |\n")
    return _HEAD + "".join(rows) + "".join(f"\n{parts[title]}" for title in sorted(parts, key=str.lower))


def compare(title: str, verdicts: dict[str, str]) -> None:
    """Fail when the page says otherwise than what was found, or write it down when asked to."""
    found = section(title, verdicts)
    if "RECORD" in os.environ:
        kept = {key: text for key, text in sections().items() if not _same_client(key, title)}
        PAGE.write_text(page(kept | {title: found}), encoding="utf-8")
    assert sections().get(title) == found, f"{PAGE.name} says otherwise; `RECORD=1` writes what was found:\n{found}"


def _same_client(one: str, other: str) -> bool:
    """Whether two titles differ by no more than the version."""
    return re.sub(r" \d[\w.]*", "", one) == re.sub(r" \d[\w.]*", "", other)
