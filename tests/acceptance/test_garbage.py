"""Garbage over OTLP: refused with a Status, counted nowhere, and forgotten."""

import gzip
from collections.abc import Iterator
from random import Random

import aiohttp
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # googleapis ships no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.servers import Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

HEADERS = {"Content-Type": "application/x-protobuf"}
Garbage = tuple[bytes, dict[str, str], int]


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    with Sidecar(tmp_path_factory.mktemp("sidecar"), "scrape_interval_seconds: 1\n") as running:
        yield running


def good_body(spans: int = 20) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "good"
    scope = resource.scope_spans.add()
    for number in range(spans):
        span = scope.spans.add(name=f"GET /{number}", kind=2, start_time_unix_nano=1, end_time_unix_nano=2)
        span.trace_id, span.span_id = bytes(range(16)), bytes(range(8))
    return request.SerializeToString()


def garbage(random: Random) -> Garbage:
    """Return a body, its further headers and the status it must get."""
    good = good_body()
    kind = min(3, random.randrange(40) // 13)
    if kind == 0:
        return b"\xff" + random.randbytes(random.randrange(1, 5000)), {}, 400
    if kind == 1:
        return good[: random.randrange(len(good) // 2, len(good) - 1)], {}, 400
    if kind == 2:
        return gzip.compress(good)[:-10], {"Content-Encoding": "gzip"}, 400
    return gzip.compress(bytes(70 << 20), 1), {"Content-Encoding": "gzip"}, 413


async def test_a_thousand_bad_bodies_are_refused_count_nothing_and_leave_no_memory_behind(sidecar: Sidecar) -> None:
    random = Random(1)
    bodies = [garbage(random) for _ in range(40)]
    async with aiohttp.ClientSession() as session:

        async def send(body: bytes, extra: dict[str, str]) -> tuple[int, bytes]:
            url = f"{sidecar.otlp_url}/v1/traces"
            async with session.post(url, data=body, headers=HEADERS | extra) as response:
                return response.status, await response.read()

        assert (await send(good_body(), {}))[0] == 200
        for body, extra, _ in bodies * 5:  # what is kept free for the next body, up to 12 MiB, is had by then
            await send(body, extra)
        before = sidecar.rss_mb
        for number in range(1000):
            body, extra, expected = bodies[number % len(bodies)]
            status, answer = await send(body, extra)
            assert status == expected
            assert Status.FromString(answer).message
        assert sidecar.rss_mb - before < 10
        # When these show, what was sent before them does too.
        assert (await send(good_body(), {}))[0] == 200

    async def counted(name: str) -> float:
        samples = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
        return sum(value for series, value in samples.items() if series.startswith(name))

    assert await eventually(lambda: counted("traces_span_metrics_calls_total"), lambda number: number > 20) == 40
    assert await counted("sidecar_otlp_spans_accepted_total") == 40
    assert "Traceback" not in sidecar.log
