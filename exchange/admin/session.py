"""One client on the operators' socket: who it is, what it asks, what is pushed to it, and when it has to go."""

from __future__ import annotations

import traceback
from importlib.metadata import version
from typing import Any, Final

import msgspec
import structlog
import trio

from exchange.admin import wire
from exchange.admin.acts import allowed, carry_out, check_role
from exchange.admin.bucket import PER_SECOND, Bucket
from exchange.admin.feed import Feed
from exchange.admin.house import Caller, House, Refused
from exchange.admin.lines import Lines, LineTooLong
from exchange.admin.methods.markets import checked_depth, find_market
from exchange.core.units import MILLION, MarketId
from exchange.office.operators import Operator, Verdict

VERSION: Final = version("onebox-exchange")

LIFE_SECONDS: Final = 86_400
"""No session lasts longer."""

ATTACH_SECONDS: Final = 120
"""Time to attach in."""

SEND_SECONDS: Final = 10
"""A client that has not read a frame after this time is cut off."""

GOODBYE_SECONDS: Final = 1
"""Time to tell a client that the server stops."""

QUEUED_FRAMES: Final = 256
"""So many frames may wait for a slow client before it is cut off."""

_log = structlog.get_logger("exchange.admin")

_WHY: Final = {
    "idle": "no question for too long; attach again",
    "expired": f"a session lasts {LIFE_SECONDS // 3600} hours; attach again",
    "failed": "a bug stopped the pushes: see the log; attach again",
    "removed": "you are no longer an operator of this exchange",
    "stopping": "the server stops; attach again when it is back",
}


class Session:
    """Serves one connection until it ends. It is also a `Watcher` that the feed pushes to."""

    def __init__(
        self, house: House, feed: Feed, stream: trio.SocketStream, operator: Operator, *, trusted: bool
    ) -> None:
        """`operator` is whose uid the peer has. He attaches with a code, unless `trusted`: who started the demo."""
        self.status = False
        self.market = MarketId(0)
        self.depth = 0
        self.operator = operator
        self._house = house
        self._feed = feed
        self._stream = stream
        self._trusted = trusted
        self._idle_seconds = house.settings.admin_idle_limit_seconds
        self._caller: Caller | None = None
        self._scope = trio.CancelScope()
        self._outbox, self._inbox = trio.open_memory_channel[bytes](QUEUED_FRAMES)
        self._bucket = Bucket(house.clock)
        self._sending = False

    async def run(self) -> None:
        """Serve until the client leaves, is idle or slow, or the server stops."""
        stopping = True
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    why = await self._read()
                    self._feed.watchers.discard(self)
                    if why in _WHY:
                        self.push(wire.Closing(why, _WHY[why]))
                    self._outbox.close()  # the writer sends what waits, then ends
            stopping = False
        finally:
            self._feed.watchers.discard(self)
            if stopping:
                await self._say_stopping()
            await trio.aclose_forcefully(self._stream)

    def push(self, frame: wire.FromServer) -> None:
        """Queue a frame; a client with too many waiting is cut off."""
        try:
            self._outbox.send_nowait(wire.encode(frame))
        except trio.WouldBlock:
            self._cut()
        except trio.ClosedResourceError:
            return  # it is on its way out

    def end(self, why: str) -> None:
        """Say why and hang up."""
        self.push(wire.Closing(why, _WHY[why]))
        self._outbox.close()

    def _cut(self) -> None:
        _log.info("cut off a slow client", operator=self.operator.name)
        self._scope.cancel()

    async def _write(self) -> None:
        """Send what is queued; once the queue is closed and empty, hang up."""
        async for frame in self._inbox:
            with trio.move_on_after(SEND_SECONDS) as patience:
                self._sending = True
                try:
                    await self._stream.send_all(frame)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    self._scope.cancel()
                    return
                self._sending = False
            if patience.cancelled_caught:
                self._cut()
        self._scope.cancel()

    async def _say_stopping(self) -> None:
        """The last word of a server that stops, unless a frame was cut in half."""
        if self._sending:
            return
        with trio.move_on_after(GOODBYE_SECONDS, shield=True):
            try:
                await self._stream.send_all(wire.encode(wire.Closing("stopping", _WHY["stopping"])))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return

    async def _read(self) -> str:
        """Answer questions one after the other; why it ended."""
        lines = Lines(self._stream, wire.MAX_ASK)
        with trio.move_on_after(LIFE_SECONDS):
            while True:
                line = None
                with trio.move_on_after(self._idle_seconds if self._caller else ATTACH_SECONDS) as patience:
                    try:
                        line = await lines.next()
                    except LineTooLong:
                        self.push(wire.Refusal(0, "too_long", f"a line has at most {wire.MAX_ASK} bytes"))
                        return "refused"
                    except (trio.BrokenResourceError, trio.ClosedResourceError):
                        return "gone"
                if patience.cancelled_caught:
                    return "idle"
                if line is None:
                    return "gone"
                if not await self._answer(line):
                    return "refused"
        return "expired"

    async def _answer(self, line: bytes) -> bool:
        """Answer one line. False: it was no question, so there is no telling where the next begins."""
        try:
            request = wire.decode_request(line)
        except (msgspec.DecodeError, RecursionError):
            self.push(wire.Refusal(0, "malformed", 'a question is {"id": 1, "method": "…", "params": {…}} on one line'))
            return False
        try:
            result = await self._perform(request)
            self.push(wire.Reply(request.id, msgspec.Raw(msgspec.json.encode(result))))
        except Refused as refused:
            self.push(wire.Refusal(request.id, refused.code, refused.text))
        except Exception:  # noqa: BLE001  # one operator's question must not end the exchange; it is logged and told
            _log.error("a question failed", method=request.method, trace=traceback.format_exc())
            self.push(wire.Refusal(request.id, "unknown", "a bug: see the log. It may or may not have been done."))
        return True

    async def _perform(self, request: wire.Request) -> msgspec.Struct:
        if not self._bucket.take():
            raise Refused("too_many", f"at most {PER_SECOND} questions a second. Nothing was changed; wait a moment.")
        kind = wire.ASKS.get(request.method)
        if kind is None:
            raise Refused("unknown_method", f"there is no method {request.method[:64]}. Nothing was changed.")
        try:
            ask = msgspec.json.decode(request.params, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Refused("bad_params", f"{request.method}: {error}. Nothing was changed.") from error
        if isinstance(ask, wire.Attach):
            return self._attach(ask)
        if self._caller is None:
            raise Refused("not_attached", "attach first. Nothing was changed.")
        if not self._trusted:
            self._check_still(self._caller, ask)
        return await self._serve(self._caller, ask)

    def _check_still(self, caller: Caller, ask: wire.Ask[Any]) -> None:
        """Refuse, and record, what somebody asks who has been removed since he attached: his next question is none."""
        current = self._house.operators.by_uid(caller.uid)
        if current is None or (current.name, current.role) != (caller.operator, caller.role):
            self._house.trail.refused(caller.operator, caller.uid, ask.method, '{"code":"removed"}')
            raise Refused("removed", f"{_WHY['removed']}. Nothing was changed.")

    async def _serve(self, caller: Caller, ask: wire.Ask[Any]) -> msgspec.Struct:
        """What needs a session is done here, all else by `carry_out`."""
        match ask:
            case wire.GetStatus():
                check_role(self._house, caller, ask)
                return await self._feed.status()
            case wire.ListMarkets():
                check_role(self._house, caller, ask)
                return await self._feed.markets()
            case wire.GetTrades():
                check_role(self._house, caller, ask)
                return await self._feed.trades(ask)
            case wire.Watch():
                check_role(self._house, caller, ask)
                return await self._watch(ask)
            case _:
                answer: msgspec.Struct = await carry_out(self._house, caller, ask)
                return answer

    def _attach(self, ask: wire.Attach) -> wire.Attached:
        """Let the operator in, after a right code where one is due."""
        operator = self.operator
        if not self._trusted:
            self._check_code(ask.code.replace(" ", ""))
        else:
            act = self._house.trail.asked(operator.name, operator.uid, "attach", "{}")
            self._house.trail.settled(act, operator.name, operator.uid, "done", "attach", '{"demo":true}')
        self._caller = Caller(operator.name, operator.uid, operator.role)
        role: wire.Role = operator.role.value
        may = tuple(method for method in wire.ASKS if allowed(operator.role, method))
        return wire.Attached(operator.name, role, self._house.settings.demo, self._idle_seconds, may, VERSION)

    def _check_code(self, code: str) -> None:
        house, name, uid = self._house, self.operator.name, self.operator.uid
        if not code:
            raise Refused("code_needed", "a code from your authenticator app is needed.")
        current = house.operators.by_uid(uid)
        if current is not None and house.clock.now() < current.wait_until:
            seconds = -((house.clock.now() - current.wait_until) // MILLION)
            raise Refused("wait", f"too many wrong codes; the next one is looked at in {seconds} s.")
        act = house.trail.asked(name, uid, "attach", "{}")
        verdict = house.operators.verify(name, code)
        right = verdict is Verdict.RIGHT
        house.trail.settled(act, name, uid, "done" if right else "refused", "attach", f'{{"code":"{verdict.value}"}}')
        if not right:
            raise Refused("wrong_code", "that code is wrong, too old, or was used before; wait for the next one.")

    async def _watch(self, ask: wire.Watch) -> wire.Watching:
        depth = checked_depth(ask.depth)
        market = await find_market(self._house, ask.symbol) if ask.symbol else MarketId(0)
        self.status, self.market, self.depth = ask.status, market, depth
        self._feed.watchers.add(self)
        await self._feed.show(self)
        return wire.Watching(ask.symbol)
