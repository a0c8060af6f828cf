"""Each row of the tables in this folder is tried; README.md tells how they read."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.events import Event, Traded
from exchange.core.market import MarketPhase
from exchange.core.performing import Outcome, perform, wake
from exchange.core.state import State
from exchange.core.units import Amount, Micros
from tests.core.compare import fingerprint
from tests.core.ways import ways
from tests.scenarios.speech import BTC, MARKET, NAMES, TRADERS, USDT, command, purse, resting, rules, short

HERE = Path(__file__).parent
START = {BTC: Amount(10 * 10**8), USDT: Amount(1_000 * 10**8)}
"""What each trader has at first."""


class Row(NamedTuple):
    """One scenario: what went before, what is done, and what must come of it."""

    given: str
    claim: str
    before: str
    done: str
    answer: str
    trades: str
    after: str
    balances: str


def rows_of(path: Path) -> list[Row]:
    """The rows of every table of a file; a line `Given:` holds for the tables below it."""
    rows, given = [], ""
    for line in path.read_text().splitlines():
        if line.startswith("Given:"):
            given = line.removeprefix("Given:").strip().rstrip(".")
        cells = [cell.strip().replace("–", "") for cell in line.strip("| ").split("|")]
        if line.startswith("|") and cells[0] != "claim" and not cells[0].startswith("--"):
            rows.append(Row(given, *cells))
    return rows


TABLES = {path.stem: rows_of(path) for path in sorted(HERE.glob("*.md")) if path.stem != "README"}
CASES = [pytest.param(row, id=f"{topic}: {row.claim}") for topic, rows in TABLES.items() for row in rows]


def furnished(given: str) -> State:
    """The market under the given rules, and four traders with 10 BTC and 1,000 USDT each."""
    state = State()
    setup: list[co.Command] = [co.ListAsset("BTC", 8), co.ListAsset("USDT", 8), *ways(1, 2)]
    setup += [co.ListMarket(rules(given), MarketPhase.OPEN), *map(co.OpenAccount, TRADERS)]
    for account in TRADERS.values():
        setup += [co.Credit(account, asset, amount, f"{account} {asset}") for asset, amount in START.items()]
    for step in setup:
        assert perform(state, Micros(0), step).reject is None, step
    return state


def status(outcome: Outcome) -> str:
    """The answer in the words of the tables."""
    if outcome.reject is not None:
        words = f"refused {outcome.reject.name}"
    else:
        words = ", ".join(row.status.name.lower().replace("_", " ") for row in outcome.orders) or "ok"
    return words + (f", then {status(outcome.replaced)}" if outcome.replaced else "")


def do(state: State, words: str) -> tuple[str, list[Event]]:
    """One sentence done; the answer, and all events, of those it woke too."""
    before = fingerprint(state)
    outcome = perform(state, Micros(1), command(words))
    events = [*outcome.events, *(outcome.replaced.events if outcome.replaced else ())]
    if outcome.reject is not None and outcome.replaced is None:
        assert fingerprint(state) == before, "a refusal changed something"
    while more := wake(state, Micros(1), MARKET):
        events += more
    assert list(audit.violations(state)) == []
    return status(outcome), events


def fill(event: Traded) -> str:
    """`2 @ 101 ann to cat`: the seller, then the buyer."""
    seller, buyer = (event.maker, event.taker)[:: 1 if event.taker_side == 1 else -1]
    return f"{short(event.quantity, 3)} @ {short(event.price, 2)} {NAMES[seller]} to {NAMES[buyer]}"


def sentences(cell: str) -> list[str]:
    return [words.strip() for words in cell.split(";") if words.strip()]


@pytest.mark.parametrize("row", CASES)
def test_scenario(row: Row) -> None:
    """What the row says happens, and nothing else."""
    state = furnished(row.given)
    for words in sentences(row.before):
        answer, _ = do(state, words)
        assert "refused" not in answer, f"{words}: {answer}"
    answers, events = [], []
    for words in sentences(row.done):
        answer, more = do(state, words)
        answers.append(answer)
        events += more
    assert "; ".join(answers) == row.answer
    assert "; ".join(fill(event) for event in events if isinstance(event, Traded)) == row.trades
    assert resting(state) == row.after
    for line in sentences(row.balances):
        assert purse(state, line.split()[0]) == line


def test_there_are_enough_rows() -> None:
    """At least 80 rows, and no two of a topic make the same claim."""
    assert sum(map(len, TABLES.values())) >= 80
    for topic, rows in TABLES.items():
        assert len({row.claim for row in rows}) == len(rows), topic


def test_every_word_of_the_readme_is_understood() -> None:
    """The examples in README.md are sentences of the tables."""
    examples = re.findall(r"^- `(.+?)`", (HERE / "README.md").read_text(), flags=re.MULTILINE)
    assert len(examples) > 10
    for words in examples:
        command(words)


@pytest.mark.parametrize("column", ["answer", "trades", "after", "balances"])
def test_a_wrong_cell_is_noticed(column: str) -> None:
    """The tables can fail: another row's cell in the place of a row's own breaks it."""
    row, other = TABLES["priority"][0], TABLES["time_in_force"][6]
    with pytest.raises(AssertionError):
        test_scenario(row._replace(**{column: getattr(other, column)}))
