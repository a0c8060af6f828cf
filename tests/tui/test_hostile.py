"""What users and reasons may contain reaches no terminal as anything but letters."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from exchange.admin import wire
from tests.tui.driving import Desk, play
from tests.tui.server import NOON, Server, market, status
from tui.export import write_csv
from tui.text import plain

ATTACKS = (
    "\x1b[2J\x1b[H",  # clears the screen
    "\x1b]52;c;cm0gLXJm\x07",  # writes the clipboard
    "\x9b31m",  # the same introducer in one byte
    "\u202egnp.exe",  # turns the reading direction
    "a\u0300\u0301\u0302\u0303b",  # piles marks
    "[bold red]markup[/]",  # our own toolkit's
    "[@click=app.quit]x[/]",  # a link that acts
    "two\nlines\ttab",
    "\ud800",  # half a character
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_plain_words_hold_nothing_that_a_terminal_obeys(attack: str) -> None:
    assert plain(attack).isprintable()


def test_what_cannot_harm_stays_as_it_is() -> None:
    assert plain("Zoë Müller-Łukasz [BTC] 東京 €5 👍") == "Zoë Müller-Łukasz [BTC] 東京 €5 👍"


def test_endless_words_are_cut() -> None:
    assert len(plain("x" * 10_000)) == 500


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack != "\ud800"])
@pytest.mark.parametrize("keys", [(), ("2",)])
async def test_hostile_names_are_shown_as_letters_and_break_no_screen(attack: str, keys: tuple[str, ...]) -> None:
    server = Server(
        operator=attack,
        markets=[market(attack), market("ETHUSDT")],
        status=status(violations=(f"balance of {attack} is -1",)),
    )

    async def scenario(desk: Desk) -> None:
        await desk.press(*keys)
        desk.server.push(wire.PhaseChanged(attack, "HALTED", attack, NOON))
        await desk.until(lambda: attack in desk.app.seen.phases)
        await desk.shows("INVARIANT BROKEN")
        lines = desk.text().splitlines()
        assert len(lines) == 24
        assert all(line.isprintable() for line in lines)

    await play(scenario, server)


async def test_a_hostile_reason_is_shown_as_letters_in_the_question() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2")
        await desk.shows("spread 0.04")
        await desk.press("h")
        await desk.type("[@click=app.quit]x[/]")
        await desk.draws("Reason: [@click=app.quit]x[/]")
        await desk.press("y")
        await desk.shows("Done:")

    await play(scenario)


async def test_a_hostile_refusal_is_shown_as_letters() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2")
        await desk.shows("spread 0.04")
        await desk.press("h")
        await desk.type("test")
        await desk.press("y")
        await desk.draws("␛[2Jboo [red]x[/]")

    await play(scenario, Server(refusals={"market.phase": ("no", "\x1b[2Jboo [red]x[/]")}))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_an_export_is_taken_for_a_formula(cell: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", ("name",), [(cell,)])
    with (tmp_path / "x.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["name"], [f"'{cell}"]]


def test_an_export_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", ("name",), [])
    assert (tmp_path / "x.csv").stat().st_mode & 0o777 == 0o600


def test_an_export_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_csv(tmp_path / "link.csv", ("name",), [])
    assert not (tmp_path / "elsewhere").exists()
