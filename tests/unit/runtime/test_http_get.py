"""GET over one connection: answers in any pieces, and connections that are used again."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from sidecar.runtime.http_get import Connection, connect

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
ANSWERS = {
    "of a length": HEAD + b"ok",
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    "behind another": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + b"ok",
}


@asynccontextmanager
async def connected(answers: Iterable[Sequence[bytes]]) -> AsyncIterator[Connection]:
    """Connect to a server that sends each of `answers` to one request, in these pieces."""

    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for pieces in answers:
                await reader.readuntil(b"\r\n\r\n")
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0)
            await reader.read()
        finally:
            writer.close()
            closed.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        connection = await connect(URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
        try:
            yield connection
        finally:
            connection.abort()
            await closed.wait()


async def body_of(connection: Connection) -> bytes:
    async with asyncio.timeout(5):
        return (await connection.get(URL("http://app/"), {}, 100)).body


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_an_answer_may_come_byte_by_byte(answer: bytes) -> None:
    async with connected([[answer[at : at + 1] for at in range(len(answer))]]) as connection:
        assert await body_of(connection) == b"ok"
        assert connection.reusable


async def test_an_answer_without_a_body_leaves_the_connection_usable() -> None:
    async with connected([[b"HTTP/1.1 204 No Content\r\n\r\n"], [HEAD, b"ok"]]) as connection:
        assert await body_of(connection) == b""
        assert await connection.is_idle()
        assert await body_of(connection) == b"ok"


@pytest.mark.parametrize("unasked", [b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b"junk"])
async def test_what_comes_without_a_request_is_no_answer_to_the_next_one(unasked: bytes) -> None:
    async with connected([[HEAD + b"ok", *[b""] * 5, unasked]]) as connection:
        assert await body_of(connection) == b"ok"
        assert await connection.is_idle()
        await asyncio.sleep(0.05)
        assert not await connection.is_idle()


async def test_a_redirect_leads_on_whatever_is_wrong_with_its_body() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n"
    async with connected([[redirect]]) as connection:
        answer = await connection.get(URL("http://app/"), {}, 100)
        assert (answer.status, answer.headers["location"]) == (302, "/other")
        assert not connection.reusable
