"""Colours are the terminal's own sixteen, or none at all; words and signs say all that they say."""

from __future__ import annotations

import pytest
from rich.color import Color, ColorType

from tests.tui.driving import Desk, play
from tests.tui.server import Server, market, status

RED, GREEN = 1, 2


def worst() -> Server:
    """One with all that is ever said in colour."""
    broken = status(violations=("a rule is broken",))
    return Server(markets=[market("BTCUSDT", "HALTED"), market("ETHUSDT")], status=broken)


def colours(desk: Desk) -> set[Color]:
    """Every colour on the screen, in letters and behind them."""
    strips = desk.app.screen._compositor.render_strips()
    styles = [segment.style for strip in strips for segment in strip if segment.style]
    return {colour for style in styles for colour in (style.color, style.bgcolor) if colour}


@pytest.mark.parametrize("board", ["1", "2"])
async def test_only_the_terminals_own_colours_are_used(board: str) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press(board, "question_mark")
        await desk.shows("Esc closes this.")
        await desk.press("escape")
        await desk.shows("INVARIANT BROKEN")
        assert {colour.type for colour in colours(desk)} <= {ColorType.DEFAULT, ColorType.STANDARD}
        assert {colour.number for colour in colours(desk)} <= {None, RED, GREEN}

    await play(scenario, worst())


@pytest.mark.parametrize("board", ["1", "2"])
async def test_with_no_color_there_is_none(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(desk: Desk) -> None:
        await desk.press(board)
        await desk.shows("INVARIANT BROKEN")
        assert {colour.type for colour in colours(desk)} == {ColorType.DEFAULT}

    await play(scenario, worst())
