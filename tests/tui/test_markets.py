"""Markets: the list, the ladder and the trades of one, and the four phases with their two questions."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from exchange.admin import wire
from tests.tui.driving import Desk, play, same_as_shot
from tests.tui.server import NOON, Server, book, market, trades


def acts(desk: Desk) -> list[wire.SetPhase]:
    return [ask for ask in desk.server.asked if isinstance(ask, wire.SetPhase)]


async def opened(desk: Desk) -> None:
    """To the markets, until the book of the first is there."""
    await desk.press("2")
    await desk.shows("spread 0.04")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_an_open_market_looks_like_its_shot(size: tuple[int, int]) -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        same_as_shot(f"markets-{size[0]}x{size[1]}", desk.text())

    await play(scenario, size=size)


async def test_a_halted_market_looks_like_its_shot() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2")
        await desk.shows("HALTED: no orders, no cancels")
        same_as_shot("halted-80x24", desk.text())

    await play(scenario, Server(markets=[market("BTCUSDT", "HALTED"), market("ETHUSDT")]))


async def test_the_cursor_chooses_the_market_that_is_watched() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("down")
        await desk.shows("ETHUSDT · open")
        await desk.until(lambda: desk.app.seen.book and desk.app.seen.book.symbol == "ETHUSDT")
        assert [ask.symbol for ask in desk.server.asked if isinstance(ask, wire.Watch)][-1] == "ETHUSDT"

    await play(scenario)


async def test_a_late_book_of_another_market_is_dropped() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        desk.server.push(book("ETHUSDT", "HALTED"))
        desk.server.push(trades("BTCUSDT", 3))
        await desk.until(lambda: desk.app.seen.trades and len(desk.app.seen.trades.trades) == 3)
        assert desk.app.seen.book is not None
        assert desk.app.seen.book.symbol == "BTCUSDT"

    await play(scenario)


async def test_halting_asks_why_and_says_what_will_happen_before_it_is_done() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("h")
        await desk.shows("Why? The reason is journaled and shown to operators.")
        assert "Halt: BTCUSDT" in desk.text()
        await desk.type("feed is stuck")
        await desk.shows("BTCUSDT goes from open to HALTED.")
        assert "New orders AND cancels are refused" in desk.text()
        assert "640 orders" in desk.text()
        assert "feed is stuck" in desk.text()
        assert "audit trail as an act of maria" in desk.text()
        assert acts(desk) == []
        await desk.press("y")
        await desk.shows("Done: BTCUSDT is halted now.")
        assert acts(desk) == [wire.SetPhase(symbol="BTCUSDT", phase="HALTED", reason="feed is stuck")]
        await desk.shows("▲ HALTED: BTCUSDT")

    await play(scenario)


@pytest.mark.parametrize(("key", "phase"), [("o", "OPEN"), ("c", "CANCEL_ONLY"), ("p", "POST_ONLY")])
async def test_each_phase_key_asks_for_its_phase(key: str, phase: wire.Phase) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2")
        await desk.shows("HALTED: no orders")
        await desk.press(key)
        await desk.type("all clear")
        await desk.shows("goes from halted to")
        await desk.press("y")
        await desk.shows("Done: BTCUSDT is")
        assert acts(desk) == [wire.SetPhase(symbol="BTCUSDT", phase=phase, reason="all clear")]

    await play(scenario, Server(markets=[market("BTCUSDT", "HALTED")]))


@pytest.mark.parametrize("keys", [("escape",), ("x", "x", "x", "enter", "n"), ("x", "x", "x", "enter", "escape")])
async def test_no_at_either_question_changes_nothing(keys: tuple[str, ...]) -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("h", *keys)
        await desk.until(lambda: len(desk.app.screen_stack) == 1)
        assert acts(desk) == []

    await play(scenario)


async def test_an_act_needs_a_reason() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("h", "space", "a", "enter")
        await desk.shows("at least three letters")
        assert acts(desk) == []

    await play(scenario)


async def test_y_in_the_reason_is_a_letter_and_no_yes() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("h", "y", "y", "y", "n")
        await desk.shows("yyyn")
        assert acts(desk) == []

    await play(scenario)


async def test_a_phase_that_the_market_is_in_is_not_asked_for() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        assert "(o Open)" in desk.text()
        await desk.press("o")
        await desk.shows("Nothing done: BTCUSDT is open already.")

    await play(scenario)


async def test_an_auditor_sees_the_keys_disabled_with_the_reason_and_cannot_act() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        same_as_shot("auditor-80x24", desk.text())
        await desk.press("h")
        await desk.shows("Nothing done: role auditor may look, not act.")
        assert len(desk.app.screen_stack) == 1
        assert acts(desk) == []

    await play(scenario, Server(role="auditor"))


async def test_a_refusal_is_told_in_the_servers_words() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("h")
        await desk.type("test")
        await desk.press("y")
        await desk.shows("Refused, BTCUSDT to halted: no, and nothing")

    await play(scenario, Server(refusals={"market.phase": ("busy", "no, and nothing was changed")}))


async def test_an_act_whose_answer_was_lost_is_called_unknown() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("h")
        await desk.type("test")
        await desk.press("y")
        await desk.until(lambda: acts(desk))
        desk.server.hang_up()
        await desk.shows("UNKNOWN whether done")

    await play(scenario, Server(silent={"market.phase"}))


async def test_a_yes_given_to_nobody_is_called_nothing_done() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("h")
        await desk.type("test")
        desk.socket.unlink()
        desk.server.hang_up()
        await desk.until(lambda: desk.app.ends)
        await desk.press("y")
        await desk.shows("Nothing done, BTCUSDT to halted: not attached")

    await play(scenario)


async def test_why_a_market_changed_stands_in_the_overview() -> None:
    async def scenario(desk: Desk) -> None:
        desk.server.push(wire.PhaseChanged("ETHUSDT", "CANCEL_ONLY", "fork ahead", NOON))
        await desk.shows("cancel-only")
        await desk.shows("fork ahead")

    await play(scenario, size=(120, 24))


async def test_an_empty_book_is_called_empty() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        desk.server.push(wire.BookView("BTCUSDT", 1, "OPEN", "", (), ()))
        await desk.shows("the book is empty · no trade yet")

    await play(scenario)


async def test_search_narrows_the_list_and_escape_ends_it() -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("slash", "e", "t", "h")
        await desk.shows("“eth” 1 of 3")
        assert "BTCUSD " not in desk.text()
        await desk.press("enter", "escape")
        await desk.shows("BTCUSD ")
        assert "“eth”" not in desk.text()

    await play(scenario)


async def test_the_list_with_the_cursor_is_exported_as_found(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("tab", "slash", *"sell", "enter", "e")
        await desk.shows("Export as CSV")
        await desk.type(str(tmp_path / "sold.csv"))
        await desk.shows("10 rows written")

    await play(scenario)
    rows = list(csv.reader((tmp_path / "sold.csv").read_text().splitlines()))
    assert rows[0] == ["Time", "Side", "Price", "Quantity"]
    assert rows[1] == ["20:26:40", "sell", "30000.00", "0.01000"]
    assert {row[1] for row in rows[1:]} == {"sell"}


async def test_the_ladder_is_exported_as_shown(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await opened(desk)
        await desk.press("tab", "tab", "e")
        await desk.shows("Export as CSV")
        await desk.type(str(tmp_path / "ladder.csv"))
        await desk.shows("rows written")

    await play(scenario)
    rows = list(csv.reader((tmp_path / "ladder.csv").read_text().splitlines()))
    assert rows[0] == ["side", "price", "quantity", "orders", "depth"]
    assert ["bid", "29999.98", "0.02000", "2", "0.03000"] in rows


async def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("precious")

    async def scenario(desk: Desk) -> None:
        await desk.press("e")
        await desk.shows("Export as CSV")
        await desk.type(str(tmp_path / "mine.csv"))
        await desk.shows("that file is there already")

    await play(scenario)
    assert (tmp_path / "mine.csv").read_text() == "precious"
