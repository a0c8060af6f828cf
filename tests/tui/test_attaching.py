"""The dashboard attaches, waits, and reattaches by itself, and the screen outlives every server."""

from __future__ import annotations

from exchange.admin import wire
from tests.tui.driving import Desk, play, same_as_shot
from tests.tui.server import Server, listening, status
from tui.seen import CodeNeeded, Gone


def gone(desk: Desk) -> bool:
    return isinstance(desk.app.seen.link, Gone)


async def test_a_server_that_goes_leaves_the_screen_and_a_countdown() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2")
        await desk.shows("spread 0.04")
        desk.socket.unlink()
        desk.server.hang_up()
        await desk.until(lambda: gone(desk))
        await desk.shows("SERVER GONE, reattaching in")
        assert "spread 0.04" in desk.text()
        assert "(figures of 20:26:40)" in desk.text()
        assert "(h o c p: not attached to the server)" in desk.text()

    await play(scenario)


async def test_it_reattaches_when_the_server_is_back_and_watches_the_same_market() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2", "down")
        await desk.until(lambda: desk.app.seen.book and desk.app.seen.book.symbol == "ETHUSDT")
        desk.server.hang_up()
        await desk.until(lambda: desk.server.attached == 2 and desk.attached())
        assert "ETHUSDT · open" in desk.text()
        assert [ask.symbol for ask in desk.server.asked if isinstance(ask, wire.Watch)][-1] == "ETHUSDT"

    await play(scenario)


async def test_a_new_server_at_the_same_socket_is_found() -> None:
    async def scenario(desk: Desk) -> None:
        other = Server(operator="nora", status=status(accounts=7))
        desk.socket.unlink()
        desk.server.hang_up()
        await desk.until(lambda: "there is no socket at this path" in desk.app.ends)
        async with listening(other, desk.socket):
            await desk.shows("nora · operations")
            await desk.shows("ALL WELL")
            desk.app.exit()
            await other.deserted()

    await play(scenario)


async def test_a_market_that_the_new_server_does_not_list_is_let_go() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2")
        await desk.shows("spread 0.04")
        desk.server.refusals["watch"] = ("unknown_market", "no such market")
        desk.server.hang_up()
        await desk.until(lambda: desk.server.attached >= 2)
        del desk.server.refusals["watch"]
        await desk.until(desk.attached)

    await play(scenario)


async def test_where_a_code_is_asked_for_it_is_prompted_and_attaches() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.shows("six digits that your authenticator")
        same_as_shot("code-80x24", desk.text())
        await desk.type("111111")
        await desk.shows("That code is wrong")
        await desk.type("123456")
        await desk.shows("ALL WELL")

    await play(scenario, Server(code="123456"))


async def test_a_code_is_six_digits_and_nothing_else() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.shows("six digits")
        await desk.press(*"12q34", "enter")
        await desk.shows("A code has six digits.")
        assert [ask.code for ask in desk.server.asked if isinstance(ask, wire.Attach)] == [""]

    await play(scenario, Server(code="123456"))


async def test_a_prompt_that_was_closed_comes_back_with_a() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.shows("six digits")
        await desk.press("escape")
        await desk.shows("press a to enter it")
        await desk.press("a")
        await desk.type("123456")
        await desk.shows("ALL WELL")

    await play(scenario, Server(code="123456"))


async def test_after_a_restart_a_code_is_asked_for_only_if_the_server_does() -> None:
    async def scenario(desk: Desk) -> None:
        desk.server.hang_up()
        await desk.until(lambda: desk.server.attached == 2 and desk.attached())
        desk.server.code = "654321"
        desk.server.hang_up()
        await desk.shows("six digits")
        await desk.type("654321")
        await desk.until(lambda: desk.server.attached == 3 and desk.attached())

    await play(scenario)


async def test_the_prompt_outlives_a_connection_that_ends_meanwhile() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.shows("six digits")
        await desk.press("1", "2", "3")
        asked = len(desk.server.asked)
        desk.server.hang_up()
        await desk.until(lambda: len(desk.server.asked) > asked and isinstance(desk.app.seen.link, CodeNeeded))
        await desk.press("4", "5", "6", "enter")
        await desk.shows("ALL WELL")

    await play(scenario, Server(code="123456"))


async def test_a_prompt_for_a_code_does_not_interrupt_another_dialog() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("e")
        await desk.shows("Export as CSV")
        desk.server.code = "654321"
        desk.server.hang_up()
        await desk.until(lambda: isinstance(desk.app.seen.link, CodeNeeded))
        await desk.shows("NOT ATTACHED")
        assert "six digits" not in desk.text()
        await desk.press("escape")
        await desk.shows("six digits")

    await play(scenario)


async def test_a_silent_server_is_called_silent_and_its_age_is_shown() -> None:
    async def scenario(desk: Desk) -> None:
        desk.seconds[0] = 7.4
        await desk.shows("NO WORD FROM THE SERVER for 7 s (figures of 20:26:40)")
        desk.server.push(status())
        await desk.shows("ALL WELL")

    await play(scenario)


async def test_a_slow_server_does_not_freeze_the_screen() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("2")
        await desk.shows("spread 0.04")
        desk.server.silent.update({"markets", "watch", "market.phase"})
        await desk.press("h")
        await desk.type("test")
        await desk.press("y")
        await desk.shows("Asked: BTCUSDT to halted")
        await desk.press("down", "1")
        await desk.shows("Sequencer and ledger")
        await desk.press("question_mark")
        await desk.shows("Esc closes this.")

    await play(scenario)


async def test_a_server_of_another_version_is_named_as_such() -> None:
    async def scenario(desk: Desk) -> None:
        for writer in desk.server._writers:
            writer.write(b'{"type": "riddle"}\n')
        await desk.until(lambda: desk.app.ends == ["the server speaks another version of the protocol"])
        await desk.until(lambda: desk.server.attached == 2)

    await play(scenario)


async def test_the_reason_why_the_server_hung_up_is_shown() -> None:
    async def scenario(desk: Desk) -> None:
        desk.server.push(wire.Closing("stopping", "the server stops"))
        desk.server.hang_up()
        await desk.until(lambda: desk.app.ends == ["the server stops"])

    await play(scenario)


async def test_a_stranger_is_told_so_and_not_that_the_server_is_gone() -> None:
    async def scenario(desk: Desk) -> None:
        desk.server.refusals["attach"] = ("not_an_operator", "you are no operator of this exchange")
        desk.server.hang_up()
        await desk.until(lambda: "you are no operator of this exchange" in desk.app.ends)
        await desk.until(lambda: desk.text().count("NOT ATTACHED, reattaching in"))

    await play(scenario)


async def test_a_last_word_about_the_connection_is_kept_as_the_reason() -> None:
    async def scenario(desk: Desk) -> None:
        desk.server.push(wire.Refusal(0, "too_long", "a line has at most so many bytes"))
        desk.server.hang_up()
        await desk.until(lambda: desk.app.ends == ["a line has at most so many bytes"])

    await play(scenario)


async def test_a_dashboard_without_keys_lets_the_session_run_out() -> None:
    async def scenario(desk: Desk) -> None:
        desk.app.link._touched -= 1_801
        asked = len([ask for ask in desk.server.asked if isinstance(ask, wire.ListMarkets)])
        await desk.pilot.pause(0.05)
        assert len([ask for ask in desk.server.asked if isinstance(ask, wire.ListMarkets)]) == asked
        await desk.press("2")
        await desk.until(lambda: len([ask for ask in desk.server.asked if isinstance(ask, wire.ListMarkets)]) > asked)

    await play(scenario)
