"""Whatever the upstream does: every request is taken at once, counted once, and forwarded or accounted for."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from grpc import StatusCode

from sidecar.codec.otlp.answers import exported
from sidecar.codec.otlp.signal import TRACES
from tests.otlp_ends import PROTOCOLS, WAYS, Protocol, Recorder, items_of, recording, sending
from tests.servers import Sidecar, eventually, get_text, samples_of
from tests.unit.codec.otlp_messages import official_of
from tests.unit.deliver.test_otlp_grpc import Context, failing
from tests.unit.deliver.upstreams import answering

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CONFIG = """
scrape_interval_seconds: 0.3
forward: {endpoint: "${UPSTREAM}", protocol: "${PROTOCOL}", timeout_seconds: 0.5}
"""
REQUESTS = 60
REFUSED = 3
FORWARDED = "sidecar_otlp_forward_"


def failed_request(number: int) -> Any:
    """Return a trace of a request that failed by an exception, and of a call in it."""
    base = {
        "traceId": f"{number + 1:032x}",
        "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000000100000000",
    }
    exception = {"key": "exception.type", "value": {"stringValue": "KeyError"}}
    root = {
        "spanId": "aa" * 8,
        "name": "GET /orders",
        "kind": 2,
        "status": {"code": 2},
        "events": [{"name": "exception", "attributes": [exception]}],
    }
    call = {"spanId": "bb" * 8, "parentSpanId": "aa" * 8, "name": "query", "kind": 3}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scopes = [{"spans": [base | root, base | call]}]
    return official_of(TRACES, {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]})


SENT = [failed_request(number) for number in range(REQUESTS)]
COUNTED = {
    "traces_span_metrics_calls_total": 2 * REQUESTS,
    "traces_span_metrics_duration_seconds_count": 2 * REQUESTS,
    "sidecar_errors_total": REQUESTS,
    "sidecar_otlp_requests_total": REQUESTS,
}


async def sums_of(sidecar: Sidecar, names: Mapping[str, float]) -> dict[str, float]:
    """Return each metric, all its series together."""
    samples = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
    return {name: sum(value for sample, value in samples.items() if sample.partition("{")[0] == name) for name in names}


async def send_all(sidecar: Sidecar) -> None:
    async with sending(sidecar) as sender:
        for message, way in zip(SENT, cycle(WAYS)):
            await sender.send(TRACES, message, way)


async def expect(sidecar: Sidecar, **more: float) -> None:
    """Wait until everything is counted, each request once, and forwarding has `more` to tell."""
    expected = COUNTED | {f"{FORWARDED}{name}": value for name, value in more.items()}
    await eventually(partial(sums_of, sidecar, expected), lambda found: found == expected)


def be_silent(recorder: Recorder, until: asyncio.Event) -> None:
    async def over_http(request: web.Request) -> web.StreamResponse:
        await until.wait()
        return await answering(503)(request)

    async def over_grpc(context: Context) -> bytes:
        await until.wait()
        return await failing(StatusCode.UNAVAILABLE)(context)

    recorder.http.answer, recorder.grpc.answer = over_http, over_grpc


def be_busy(recorder: Recorder, _: asyncio.Event) -> None:
    recorder.http.answer = answering(503, headers={"Retry-After": "1"})
    recorder.grpc.answer = failing(StatusCode.UNAVAILABLE, delay_seconds=1)


def refuse_some(recorder: Recorder) -> None:
    async def over_grpc(_: Context) -> bytes:
        return exported(REFUSED, "too old")

    recorder.http.answer, recorder.grpc.answer = answering(200, exported(REFUSED, "too old")), over_grpc


def refuse_all(recorder: Recorder) -> None:
    recorder.http.answer, recorder.grpc.answer = answering(400), failing(StatusCode.INVALID_ARGUMENT)


def chained(folder: Path, recorder: Recorder, protocol: Protocol) -> Sidecar:
    return Sidecar(folder, CONFIG, {"UPSTREAM": recorder.urls[protocol], "PROTOCOL": protocol})


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("mood", [be_silent, be_busy])
async def test_while_the_upstream_takes_nothing_all_is_counted_and_nothing_twice_after(
    tmp_path: Path, protocol: Protocol, mood: Any
) -> None:
    over = asyncio.Event()
    async with recording() as recorder:
        mood(recorder, over)
        with chained(tmp_path, recorder, protocol) as sidecar:
            await send_all(sidecar)
            await expect(sidecar, sent_requests_total=0, queue_requests=REQUESTS, upstream_up=0)
            recorder.forget()
            recorder.http.answer = recorder.grpc.answer = None
            over.set()
            await expect(sidecar, sent_requests_total=REQUESTS, queue_requests=0, upstream_up=1)
            await expect(sidecar, dropped_requests_total=0, failed_requests_total=0)
    assert recorder.items(TRACES).keys() == items_of(TRACES, SENT).keys()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_the_upstream_leaves_out_is_counted_and_not_sent_again(tmp_path: Path, protocol: Protocol) -> None:
    async with recording() as recorder:
        refuse_some(recorder)
        with chained(tmp_path, recorder, protocol) as sidecar:
            await send_all(sidecar)
            await expect(sidecar, sent_requests_total=REQUESTS)
            await expect(sidecar, refused_items_total=REFUSED * len(recorder.bodies()))
            await expect(sidecar, retried_requests_total=0, failed_requests_total=0)
    assert recorder.items(TRACES) == items_of(TRACES, SENT)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_the_upstream_refuses_for_good_is_counted_and_not_sent_alone_again(
    tmp_path: Path, protocol: Protocol
) -> None:
    async with recording() as recorder:
        refuse_all(recorder)
        with chained(tmp_path, recorder, protocol) as sidecar:
            await send_all(sidecar)
            await expect(sidecar, failed_requests_total=REQUESTS, sent_requests_total=0, retried_requests_total=0)
            await expect(sidecar, queue_requests=0, upstream_up=1)
    alone = Counter(len(message.resource_spans) for message in recorder.received(TRACES))[1]
    assert (alone, recorder.items(TRACES).keys()) == (REQUESTS, items_of(TRACES, SENT).keys())
