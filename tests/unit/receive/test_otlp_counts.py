"""Exact counts: whatever the mix of transports, formats, encodings and sizes, a span that was accepted counts once."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.codec.otlp.signal import TRACES
from tests.unit.receive.served import JSON, PROTOBUF, Served, answer_of, body_of, json_of, serving
from tests.unit.receive.test_encodings import COMPRESS as ENCODINGS

SIZES = (0, 1, 2, 49, 50, 51, 499, 500, 501, 1700)
COMPRESS: dict[str, Callable[[bytes], bytes]] = {"": bytes, **ENCODINGS}


class Sent(NamedTuple):
    """A request: over HTTP if it has a type, else over gRPC."""

    content_type: str
    encoding: str
    spans: int
    good: bool

    def body(self) -> bytes:
        """Return what is sent; a bad one is good until its end."""
        if self.content_type == JSON:
            return json_of(self.spans) if self.good else json_of(self.spans)[:-1]
        return body_of(self.spans) + (b"" if self.good else b"\x0a\x7f")

    async def send(self, served: Served, channel: grpc.aio.Channel) -> bool:
        """Send it and return whether it was accepted."""
        if not self.content_type:
            method: Any = channel.unary_unary(TRACES.method)
            compression = grpc.Compression.Gzip if self.encoding else grpc.Compression.NoCompression
            return (await answer_of(method(self.body(), compression=compression))).code is grpc.StatusCode.OK
        body = COMPRESS[self.encoding](self.body())
        status, _, _ = await served.post(body, Content_Type=self.content_type, Content_Encoding=self.encoding)
        return status == 200


REQUESTS = st.builds(
    Sent,
    st.sampled_from([PROTOBUF, JSON, ""]),
    st.sampled_from(sorted(COMPRESS)),
    st.sampled_from(SIZES),
    st.integers(0, 3).map(bool),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(REQUESTS, max_size=12), st.integers(1, 3))
def test_what_was_accepted_counts_each_time_and_what_was_refused_never(requests: list[Sent], times: int) -> None:
    async def send() -> None:
        async with serving() as start:
            served: Served = await start()
            async with served.channel() as channel, asyncio.TaskGroup() as group:
                tasks = [group.create_task(each.send(served, channel)) for each in requests * times]
            assert [task.result() for task in tasks] == [each.good for each in requests * times]
            expected = times * sum(each.spans for each in requests if each.good)
            assert served.sink.items == served.counted_items() == expected

    asyncio.run(send())


async def test_a_body_sent_again_counts_again(serve: Any) -> None:
    served = await serve()
    for _ in range(3):
        assert (await served.post(body_of(5)))[0] == 200
    assert served.counted_items() == served.sink.items == 15
