"""What arrives at a collector and at a second sidecar is what was sent, item for item, by either protocol."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sidecar.codec.otlp.signal import SIGNALS, TRACES, Signal
from tests.integration.test_otlp_sdk import Rotel
from tests.otlp_ends import PROTOCOLS, WAYS, Protocol, Way, items_of, recording, sending
from tests.servers import HOST, Sidecar, eventually, get_json, get_text, samples_of
from tests.unit.codec.otlp_messages import official_of, request

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CONFIG = """
scrape_interval_seconds: 0.3
traces: {decide_after_seconds: 0.2, sample_ratio: 1}
forward: {endpoint: "${UPSTREAM}", protocol: "${PROTOCOL}"}
"""
REQUESTS = 12
SPANS = 5


def text(value: str) -> Any:
    return {"stringValue": value}


def attributes(random: Random) -> list[Any]:
    """Return attributes of every kind."""
    values: Sequence[Any] = [
        text(random.choice(["a", "žluť \U0001f600", "x" * 300])),
        {"boolValue": random.random() < 0.5},
        {"intValue": str(random.randint(-(2**63), 2**63 - 1))},
        {"doubleValue": random.randrange(-(10**6), 10**6) / 4},  # digits that the collector reads in JSON, too
        {"arrayValue": {"values": [text("b"), {"intValue": "7"}]}},
        {"kvlistValue": {"values": [{"key": "inner", "value": text("c")}]}},
    ]
    return [{"key": f"key.{number}", "value": value} for number, value in enumerate(values)]


def trace(random: Random) -> ExportTraceServiceRequest:
    """Return a request with a trace of one root and its children, whose spans have everything that spans can have."""
    trace_id, root = random.randbytes(16).hex(), random.randbytes(8).hex()
    spans = [
        {
            "traceId": trace_id,
            "spanId": random.randbytes(8).hex() if number else root,
            "parentSpanId": root if number else "",
            "traceState": "vendor=1",
            "flags": 0x101,
            "name": f"span {number}",
            "kind": number % 5 + 1,
            "startTimeUnixNano": str(1790000000000000000 + random.randrange(10**9)),
            "endTimeUnixNano": str(1790000002000000000 + random.randrange(10**9)),
            "attributes": attributes(random),
            "droppedAttributesCount": 1,
            "events": [{"timeUnixNano": "1790000001000000000", "name": "event", "attributes": attributes(random)}],
            "droppedEventsCount": 2,
            "links": [{"traceId": trace_id, "spanId": root, "traceState": "a=b", "attributes": attributes(random)}],
            "droppedLinksCount": 3,
            **({"status": {"code": number % 3, "message": "why" if number % 3 == 2 else ""}} if number % 3 else {}),
        }
        for number in range(SPANS)
    ]
    resource = {"attributes": [{"key": "service.name", "value": text("shop")}, *attributes(random)]}
    scope = {"name": "tests", "version": "1", "attributes": attributes(random)}
    group = {"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}
    message: ExportTraceServiceRequest = official_of(TRACES, {"resourceSpans": [group]})
    return message


def chain(folder: Path, upstream: str, protocol: Protocol) -> Sidecar:
    """Return a sidecar in a folder of its own that forwards to `upstream`."""
    folder.mkdir()
    return Sidecar(folder, CONFIG, {"UPSTREAM": upstream, "PROTOCOL": protocol})


def endpoint_of(sidecar: Sidecar, protocol: Protocol) -> str:
    return f"http://{HOST}:{sidecar.otlp_grpc_port}" if protocol == "grpc" else sidecar.otlp_url


async def send_all(sidecar: Sidecar, signal: Signal, messages: Sequence[Any], ways: Sequence[Way] = WAYS) -> None:
    """Send by each of `ways` in turn."""
    async with sending(sidecar) as sender:
        for message, way in zip(messages, cycle(ways)):
            await sender.send(signal, message, way)


def requests(signal: Signal) -> list[Any]:
    """Return traces, or requests with whatever the protocol has."""
    return [trace(Random(seed)) if signal is TRACES else request(signal, Random(seed)) for seed in range(REQUESTS)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_collector_gets_every_span_as_it_was_sent(tmp_path: Path, protocol: Protocol) -> None:
    sent = requests(TRACES)
    async with recording() as recorder:
        exporter = {"endpoint": recorder.urls["grpc"], "protocol": "grpc", "compression": "none"}
        rotel = Rotel(tmp_path, exporter)
        await rotel.listen()
        try:
            url = rotel.url if protocol == "http/protobuf" else f"http://{HOST}:{rotel.grpc_port}"
            with chain(tmp_path / "sidecar", url, protocol) as sidecar:
                await send_all(sidecar, TRACES, sent)
                await eventually(lambda: count_of(recorder.items(TRACES)), lambda count: count >= REQUESTS * SPANS)
        finally:
            await asyncio.to_thread(rotel.stop)
    assert recorder.items(TRACES) == items_of(TRACES, sent)


async def count_of(items: Counter[bytes]) -> int:
    return items.total()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_second_sidecar_shows_every_span_as_it_was_sent_and_counts_as_the_first(
    tmp_path: Path, protocol: Protocol
) -> None:
    sent = requests(TRACES)
    ids = {message.resource_spans[0].scope_spans[0].spans[0].trace_id.hex() for message in sent}
    async with recording() as recorder:
        with (
            chain(tmp_path / "second", recorder.urls["http/protobuf"], "http/protobuf") as second,
            chain(tmp_path / "first", endpoint_of(second, protocol), protocol) as first,
        ):
            # Not in JSON, of which the store does not keep how much an SDK has dropped.
            await send_all(first, TRACES, sent, ("protobuf", "grpc"))

            async def kept() -> set[str]:
                page = await get_json(f"{second.page_url}api/v1/traces", limit="100")
                return {item["id"] for item in page["items"]}

            await eventually(kept, lambda found: found == ids)
            shown = [
                official_of(TRACES, await get_json(f"{second.page_url}api/v1/traces/{ident}/otlp")) for ident in ids
            ]
            counted = [await eventually(partial(calls_of, each), has_all_calls) for each in (first, second)]
    assert items_of(TRACES, shown) == items_of(TRACES, sent)
    assert counted[0] == counted[1]


def has_all_calls(samples: dict[str, float]) -> bool:
    """Return whether all spans are counted but the internal ones, of which there is one a trace."""
    return sum(samples.values()) == REQUESTS * (SPANS - 1)


async def calls_of(sidecar: Sidecar) -> dict[str, float]:
    samples = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
    return {name: value for name, value in samples.items() if name.startswith("traces_span_metrics_calls_total")}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
async def test_behind_two_sidecars_everything_is_as_it_was_sent(
    tmp_path: Path, protocol: Protocol, signal: Signal
) -> None:
    sent = requests(signal)
    async with recording() as recorder:
        with (
            chain(tmp_path / "second", recorder.urls[protocol], protocol) as second,
            chain(tmp_path / "first", endpoint_of(second, protocol), protocol) as first,
        ):
            await send_all(first, signal, sent)
            expected = items_of(signal, sent)
            await eventually(lambda: count_of(recorder.items(signal)), lambda count: count >= expected.total())
    assert recorder.items(signal) == expected
