"""The keys do what the last line says, and what the help says."""

from __future__ import annotations

import pytest

from tests.tui.driving import Desk, play, same_as_shot
from tui.ink import DIM
from tui.screens.help import KEYS
from tui.widgets.keybar import Key, KeyBar, line

# What is seen after a key that the last line names, on each screen.
EFFECTS = {
    "1": "Sequencer and ledger",
    "2": "spread 0.04",
    "3": "none under way",
    "y": "Nothing done: no withdrawal chosen.",
    "r": "Nothing done: no withdrawal chosen.",
    "Enter": "spread 0.04",
    "/": "find in ",
    "e": "Export as CSV",
    "?": "Esc closes this.",
    "h": "Halt: BTCUSDT",
    "c": "Make cancel-only: BTCUSDT",
    "p": "Make post-only: BTCUSDT",
    "o": "Nothing done: BTCUSDT is open already.",
}
NAMES = {"Enter": "enter", "/": "slash", "?": "question_mark"}


@pytest.mark.parametrize("board", ["1", "2", "3"])
async def test_every_key_of_the_last_line_does_what_it_says(board: str) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press(board)
        await desk.shows(EFFECTS[board])
        shown = [key.key for key in desk.app.screen.query_one(KeyBar).keys]
        assert shown[-4:] == ["/", "e", "?", "q"]
        for key in shown[:-1]:
            await desk.press(NAMES.get(key, key))
            await desk.shows(EFFECTS[key])
            while len(desk.app.screen_stack) > 1 or "find in" in desk.text():
                await desk.press("escape")
            await desk.press(board)
            await desk.shows(EFFECTS[board])

    await play(scenario)


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quitting_takes_one_key(key: str) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press(key)
        await desk.until(lambda: not desk.app.is_running)

    await play(scenario)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_help_fits_its_terminal(size: tuple[int, int]) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("question_mark")
        await desk.shows("Esc closes this.")
        assert all(word in desk.text() for word, _ in KEYS)
        same_as_shot(f"help-{size[0]}x{size[1]}", desk.text())

    await play(scenario, size=size)


async def test_ctrl_c_quits_from_within_a_dialog() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2")
        await desk.shows("spread 0.04")
        await desk.press("h", "ctrl+c")
        await desk.until(lambda: not desk.app.is_running)

    await play(scenario)


def test_keys_that_rest_for_one_reason_share_it() -> None:
    keys = [Key("h", "Halt", "you may not"), Key("o", "Open", "you may not"), Key("q", "Quit")]
    assert line(keys, 80).plain == "(h o: you may not)  q Quit"


def test_a_key_that_rests_is_in_brackets_and_dim() -> None:
    shown = line([Key("h", "Halt", "halted already"), Key("q", "Quit")], 80)
    assert shown.plain == "(h Halt)  q Quit"
    assert shown.spans[0].style == DIM
