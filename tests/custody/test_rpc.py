"""JSON-RPC to nodes that answer, and to nodes that break, stall, lie or flood: against a real server on loopback."""

from __future__ import annotations

import base64
import ssl
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from exchange.custody.port import NodeFault, OutcomeUnknown
from exchange.custody.rpc import Call, Rpc, RpcError
from tests.api.test_tls import make_certificate, trusting
from tests.custody.small_server import Act, Asked, answers, http, says, silence, small_server, writes

SECRET = "hunter2hunter2"


async def call(url: str, *asked: Any, **options: Any) -> Any:
    """One call on a connection of its own."""
    with Rpc(url, **options) as rpc:
        return await rpc.call(*asked)


async def batch(url: str, calls: list[Call]) -> list[Any]:
    """One batch on a connection of its own."""
    with Rpc(url) as rpc:
        return await rpc.batch(calls)


def with_login(url: str) -> str:
    """The URL with a user and a password in it."""
    return url.replace("://", f"://us%65r:{SECRET}@")


async def test_a_call_returns_its_result() -> None:
    async with small_server(answers(result=[1, "a", None])) as (server, url):
        assert await call(url, "getblockhash", 7, True) == [1, "a", None]
        assert server.asked[0].content["method"] == "getblockhash"
        assert server.asked[0].content["params"] == [7, True]


async def test_amounts_come_exact_and_are_no_floats() -> None:
    body = b'{"id":1,"result":{"coins":20999999.9769,"fee":1e-8,"wei":123456789012345678901234567890}}'
    async with small_server(says(body)) as (_, url):
        result = await call(url, "x")
    assert result == {
        "coins": Decimal("20999999.9769"),
        "fee": Decimal("0.00000001"),
        "wei": 123456789012345678901234567890,
    }
    assert isinstance(result["coins"], Decimal)


async def test_amounts_go_out_exact() -> None:
    async with small_server(answers(result=None)) as (server, url):
        await call(url, "x", Decimal("0.10000001"))
        assert str(server.asked[0].content["params"][0]) == "0.10000001"


async def test_one_connection_serves_many_calls() -> None:
    async with small_server(answers(result=1)) as (server, url):
        rpc = Rpc(url)
        for _ in range(5):
            await rpc.call("x")
        rpc.close()
        assert (server.connections, len(server.asked)) == (1, 5)


async def test_many_tasks_share_few_connections() -> None:
    async with small_server(answers(result=1)) as (server, url):
        rpc = Rpc(url)
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(rpc.call, "x")
        rpc.close()
        assert len(server.asked) == 20
        assert server.connections <= 4


async def test_a_connection_that_the_node_closed_meanwhile_is_not_used_again() -> None:
    async def answer_and_close(asked: Asked, stream: trio.abc.Stream) -> None:
        await answers(result=1)(asked, stream)
        await stream.aclose()

    async with small_server(answer_and_close) as (server, url):
        rpc = Rpc(url)
        await rpc.call("x")
        await trio.testing.wait_all_tasks_blocked()
        assert await rpc.call("x") == 1
        assert server.connections == 2
        rpc.close()


async def test_a_refusal_has_the_nodes_code_and_words() -> None:
    async with small_server(answers(result=None, error={"code": -26, "message": "min relay fee not met"})) as (_, url):
        with pytest.raises(RpcError, match="min relay fee not met") as caught:
            await call(url, "sendrawtransaction", "00")
    assert caught.value.code == -26


async def test_a_refusal_with_status_500_is_a_refusal() -> None:
    body = b'{"result":null,"error":{"code":-5,"message":"no such block"},"id":1}'
    async with small_server(says(body, "500 Internal Server Error")) as (_, url):
        with pytest.raises(RpcError, match="no such block"):
            await call(url, "getblock", "00")


async def test_a_batch_is_answered_in_its_order_however_the_node_answers() -> None:
    async def backwards(asked: Asked, stream: trio.abc.Stream) -> None:
        replies = [{"id": call["id"], "result": call["params"][0]} for call in asked.content]
        await stream.send_all(http(msgspec.json.encode(replies[::-1])))

    async with small_server(backwards) as (server, url):
        assert await batch(url, [("x", [n]) for n in range(250)]) == list(range(250))
        assert [len(asked.content) for asked in server.asked] == [100, 100, 50]


async def test_in_a_batch_one_refusal_spoils_nothing_else() -> None:
    body = b'[{"id":1,"result":5},{"id":2,"error":{"code":-5,"message":"no"}}]'
    async with small_server(says(body)) as (_, url):
        five, refusal = await batch(url, [("x", []), ("y", [])])
    assert five == 5
    assert isinstance(refusal, RpcError)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id":1,"result":5}]',  # too short
        b'[{"id":1,"result":5},{"id":1,"result":6}]',  # one twice
        b'[{"id":1,"result":5},{"id":3,"result":6}]',  # a stranger's
        b'[{"id":1,"result":5},{"id":true,"result":6}]',
        b'[{"id":1,"result":5},{"id":2}]',  # half an answer
        b'[{"id":1,"result":5},7]',
        b'[{"id":1,"result":5},{"id":[],"result":6}]',
        b"5",
    ],
)
async def test_a_batch_with_a_hole_is_no_answer(body: bytes) -> None:
    async with small_server(says(body)) as (_, url):
        with pytest.raises(OutcomeUnknown):
            await batch(url, [("x", []), ("y", [])])


async def test_a_batch_that_is_refused_as_a_whole_is_a_refusal() -> None:
    async with small_server(says(b'{"id":null,"error":{"code":-32600,"message":"batch too large"}}')) as (_, url):
        with pytest.raises(RpcError, match="batch too large"):
            await batch(url, [("x", [])])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"id":1,"result":',
        b'{"id":2,"result":1}',  # another call's
        b'{"result":1}',
        b'{"id":"1","result":1}',
        b'{"id":true,"result":1}',
        b'{"id":1.0,"result":1}',
        b'{"id":1}',  # neither result nor error
        b'{"id":1,"error":"no"}',
        b'{"id":1,"error":{"code":"-5"}}',
        b'{"id":1,"error":{"code":true}}',
        b'{"id":1,"result":NaN}',
        b'{"id":1,"result":1e99999999999999999999}',
        b'{"id":1,"result":' + b"9" * 5_000 + b"}",
        b'{"id":1,"result":"\xff"}',
        b'{"id":1,"result":' + b"[" * 100_000,
        b'{"id":1,"result":' + b'{"a":' * 100_000,
        b"[]",
        b"null",
        b"1",
    ],
)
async def test_what_is_no_answer_to_this_call_is_a_fault(body: bytes) -> None:
    async with small_server(says(body)) as (_, url):
        with pytest.raises(NodeFault):
            await call(url, "x")


@pytest.mark.parametrize("status", ["503 Service Unavailable", "502 Bad Gateway", "429 Too Many Requests", "301 Moved"])
async def test_an_error_of_http_is_a_fault_that_names_it(status: str) -> None:
    async with small_server(says(b"Work queue depth exceeded", status, "Location: http://127.0.0.2/\r\n")) as (_, url):
        with pytest.raises(NodeFault, match=f"HTTP {status[:3]}"):
            await call(url, "x")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",  # cut off
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
    ],
)
async def test_what_is_not_http_leaves_the_outcome_unknown(raw: bytes) -> None:
    async with small_server(writes(raw)) as (_, url):
        with pytest.raises(OutcomeUnknown):
            await call(url, "x", limit_bytes=100_000)


async def test_after_a_broken_answer_the_next_call_has_a_connection_of_its_own() -> None:
    async with small_server(writes(b"HTTP/1.1 200 OK\r\nConte"), answers(result=1)) as (_, url):
        rpc = Rpc(url)
        with pytest.raises(OutcomeUnknown):
            await rpc.call("x")
        assert await rpc.call("x") == 1
        rpc.close()


async def test_words_behind_an_answer_are_not_taken_for_the_next() -> None:
    forged = http(b'{"id":1,"result":1}') + http(b'{"id":2,"result":"forged"}')
    async with small_server(says_raw(forged), answers(result="real")) as (_, url):
        rpc = Rpc(url)
        await rpc.call("x")
        assert await rpc.call("x") == "real"
        rpc.close()


def says_raw(raw: bytes) -> Act:
    """Raw bytes on a connection that stays open."""

    async def act(_: Asked, stream: trio.abc.Stream) -> None:
        await stream.send_all(raw)

    return act


@pytest.mark.parametrize("length", [100_001, 10**15])
async def test_an_answer_that_says_it_is_too_large_is_not_read(length: int) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    async with small_server(writes(head + b" " * 400_000)) as (_, url):
        with pytest.raises(OutcomeUnknown, match="more than 100000 bytes"):
            await call(url, "x", limit_bytes=100_000)


async def test_an_answer_without_end_is_not_heard_to_the_end() -> None:
    async def flood(_: Asked, stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await stream.send_all(b"1\r\n \r\n" * 1_000)

    async with small_server(flood) as (_, url):
        with pytest.raises(OutcomeUnknown, match="more than 100000 bytes"):
            await call(url, "x", limit_bytes=100_000)


async def test_a_node_that_says_nothing_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    autojump_clock.autojump_threshold = 0.05  # real sockets need a moment
    async with small_server(silence) as (_, url):
        with pytest.raises(OutcomeUnknown, match="within 20 s"):
            await call(url, "x", timeout_seconds=20)


async def test_a_node_that_answers_a_byte_at_a_time_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    async def drip(_: Asked, stream: trio.abc.Stream) -> None:
        for byte in http(b'{"id":1,"result":1}'):
            await stream.send_all(bytes([byte]))
            await trio.sleep(1)

    autojump_clock.autojump_threshold = 0.05
    async with small_server(drip) as (_, url):
        with pytest.raises(OutcomeUnknown, match="within 20 s"):
            await call(url, "x", timeout_seconds=20)


async def test_a_cancelled_call_leaves_no_answer_behind_for_the_next() -> None:
    async with small_server(silence, answers(result="second")) as (server, url):
        rpc = Rpc(url)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rpc.call, "first")
            while not server.asked:
                await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        assert await rpc.call("second") == "second"
        assert server.connections == 2
        rpc.close()


async def test_nobody_at_the_port_is_a_fault_and_the_outcome_is_known() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    with pytest.raises(NodeFault, match="cannot connect") as caught:
        await call(f"http://127.0.0.1:{port}", "x")
    assert not isinstance(caught.value, OutcomeUnknown)


async def test_user_and_password_are_taken_from_the_url() -> None:
    async with small_server(answers(result=1)) as (server, url):
        await call(with_login(url), "x")
        assert server.asked[0].headers["authorization"] == basic(f"user:{SECRET}")


def basic(login: str) -> str:
    """The header of basic authentication."""
    return "Basic " + base64.b64encode(login.encode()).decode()


async def test_a_login_file_is_read_again_for_each_connection(tmp_path: Path) -> None:
    cookie = tmp_path / ".cookie"
    cookie.touch(0o600)
    async with small_server(answers(result=1)) as (server, url):
        rpc = Rpc(url, login_file=cookie)
        for login in ("__cookie__:one", "__cookie__:two"):
            cookie.write_text(login + "\n")
            await rpc.call("x")
            rpc.close()
        assert [a.headers["authorization"] for a in server.asked] == [basic("__cookie__:one"), basic("__cookie__:two")]


@pytest.mark.parametrize(("content", "mode"), [(b"a:b", 0o644), (b"", 0o600), (b"no colon", 0o600), (b"\xff:", 0o600)])
async def test_a_login_file_that_cannot_be_used_is_a_fault(tmp_path: Path, content: bytes, mode: int) -> None:
    file = tmp_path / "login"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(NodeFault, match="login"):
        await call("http://127.0.0.1:9", "x", login_file=file)


@pytest.mark.parametrize(
    "url", ["ws://h", "h:8332", "", "http://", "http://h:port", "file:///etc/passwd", f"http://[{SECRET}"]
)
def test_a_url_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="node's URL") as caught:
        Rpc(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "act",
    [
        says(b"no", "401 Unauthorized"),
        says(b"no", "403 Forbidden"),
        says(SECRET.encode(), "500 Oops"),
        answers(error={"code": 1, "message": f"wrong password {SECRET}\x1b[2J\n"}),
        writes(SECRET.encode() + b"\r\n\r\n"),
        writes(b""),
    ],
)
async def test_no_error_holds_path_user_or_password(act: Act) -> None:
    async with small_server(act) as (_, url):
        with pytest.raises(NodeFault) as caught:
            await call(with_login(url) + "/v3/keykeykey", "x")
    for told in (str(caught.value), repr(caught.value), str(caught.value.__cause__)):
        assert SECRET not in told
        assert "keykeykey" not in told
        assert told.isprintable()


async def test_over_tls_a_node_is_believed_by_its_certificate_only(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    async with small_server(answers(result=1), tls=context) as (server, url):
        with pytest.raises(NodeFault, match="no TLS that can be trusted"):
            await call(url, "x")
        assert not server.asked
        rpc = Rpc(url, tls=trusting(tmp_path))
        assert [await rpc.call("x"), await rpc.call("x")] == [1, 1]
        assert server.connections == 1
        rpc.close()
