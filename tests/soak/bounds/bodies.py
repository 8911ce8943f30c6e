"""Floods of whole requests that are built to hurt: bombs, towers, very many tiny values, and very much at once."""

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sidecar.codec.otlp.wire import LENGTH_DELIMITED, delimited, tag
from tests.soak.bounds.items import attribute, span_flood
from tests.soak.bounds.template import PLACE
from tests.unit.codec.otlp_messages import json_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 1 << 20
SMALL_MS, LARGE_MS = 20.0, 100.0
"""What 99 of 100 probes must take at most while bodies of up to 4 MiB, and larger ones, are sent."""


class BodyFlood(NamedTuple):
    """One request that is sent again and again, `at_once` at a time."""

    name: str
    path: str
    body: bytes
    kind: str = "protobuf"
    encoding: str = ""
    at_once: int = 2
    bound_ms: float = SMALL_MS


def body_floods() -> Iterator[BodyFlood]:
    """Yield all of them."""
    yield from _bombs()
    yield from _crafted_json()
    yield from _crafted_protobuf()
    yield from _much()


def _bombs() -> Iterator[BodyFlood]:
    zeros, at_limit = bytes(256 * MIB), bytes(64 * MIB)
    for name, data in (("256 MiB", zeros), ("64 MiB", at_limit)):
        yield BodyFlood(f"gzip bomb of {name}", "/v1/traces", gzip.compress(data), encoding="gzip", bound_ms=LARGE_MS)
        yield BodyFlood(f"zstd bomb of {name}", "/v1/traces", zstd.compress(data), encoding="zstd", bound_ms=LARGE_MS)
    json_bomb = zlib.compress(b"[" * (64 * MIB))
    yield BodyFlood("deflate bomb of JSON", "/v1/traces", json_bomb, "json", "deflate")
    tiny_frames = zstd.compress(b"") * (4 * MIB // len(zstd.compress(b"")))
    yield BodyFlood("empty zstd frames", "/v1/traces", tiny_frames, encoding="zstd")
    empty_blocks = b"\x1f\x8b\x08" + bytes(7) + b"\x00\x00\x00\xff\xff" * (4 * MIB // 5)
    yield BodyFlood("empty gzip blocks", "/v1/traces", empty_blocks, encoding="gzip")


SPAN_BEFORE, SPAN_AFTER = b'{"resourceSpans":[{"scopeSpans":[{"spans":[', b"]}]}]}"
CRAFTED = {
    "an array tower": ("traces", b"[", b"", b""),
    "an object tower": ("traces", b'{"resourceSpans":', b"", b""),
    "a tower in an attribute": (
        "traces",
        b'{"arrayValue":{"values":[',
        SPAN_BEFORE + b'{"attributes":[{"key":"a","value":',
        b"",
    ),
    "numbers of an unknown key": ("traces", b"0,", b'{"a":[', b"0]}"),
    "arrays of an unknown key": ("traces", b"[],", b'{"a":[', b"0]}"),
    "nested arrays of an unknown key": ("traces", b"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],", b'{"a":[', b"0]}"),
    "objects of an unknown key": ("traces", b"{},", b'{"a":[', b"0]}"),
    "unknown keys": ("traces", b'"a":0,', b"{", b'"b":0}'),
    "unknown keys of a span": ("traces", b'"a":0,', SPAN_BEFORE + b"{", b'"b":0}' + SPAN_AFTER),
    "empty resources": ("traces", b"{},", b'{"resourceSpans":[', b"{}]}"),
    "empty scopes": ("traces", b"{},", b'{"resourceSpans":[{"scopeSpans":[', b"{}]}]}"),
    "empty spans": ("traces", b"{},", SPAN_BEFORE, b"{}" + SPAN_AFTER),
    "spans with a name": ("traces", b'{"name":"a"},', SPAN_BEFORE, b"{}" + SPAN_AFTER),
    "spans of one unknown key": ("traces", b'{"a":0},', SPAN_BEFORE, b"{}" + SPAN_AFTER),
    "tiny attributes": ("traces", b'{"key":"a"},', SPAN_BEFORE + b'{"attributes":[', b"{}]}" + SPAN_AFTER),
    "empty attributes": ("traces", b"{},", SPAN_BEFORE + b'{"attributes":[', b"{}]}" + SPAN_AFTER),
    "empty events": ("traces", b"{},", SPAN_BEFORE + b'{"events":[', b"{}]}" + SPAN_AFTER),
    "empty links": ("traces", b"{},", SPAN_BEFORE + b'{"links":[', b"{}]}" + SPAN_AFTER),
    "spaces": ("traces", b" ", b"{", b"}"),
    "escapes": ("traces", b"\\n", SPAN_BEFORE + b'{"name":"', b'"}' + SPAN_AFTER),
    "halves of surrogate pairs": ("traces", b"\\ud800", SPAN_BEFORE + b'{"name":"', b'"}' + SPAN_AFTER),
    "bytes that are not UTF-8": ("traces", b"\xff", SPAN_BEFORE + b'{"name":"', b'"}' + SPAN_AFTER),
    "bucket counts": (
        "metrics",
        b"0,",
        b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":[',
        b"0]}]}}]}]}]}",
    ),
    "empty points": (
        "metrics",
        b"{},",
        b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[',
        b"{}]}}]}]}]}",
    ),
    "empty records": ("logs", b"{},", b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[', b"{}]}]}]}"),
    "empty values of a log's body": (
        "logs",
        b"{},",
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[',
        b"{}]}}}]}]}]}",
    ),
}
"""By what they are made of: the signal, what is repeated, and what is before and after it."""


def crafted(name: str, size: int = 4 * MIB - 200) -> bytes:
    """Return JSON of about `size` bytes."""
    _, unit, before, after = CRAFTED[name]
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


def _crafted_json() -> Iterator[BodyFlood]:
    for name, (signal, *_) in CRAFTED.items():
        yield BodyFlood(f"JSON: {name}", f"/v1/{signal}", crafted(name), "json")
        # As many values as are let through: below the limit of values, or at the bytes that each must have.
    for name in CRAFTED:
        signal = CRAFTED[name][0]
        yield BodyFlood(f"JSON of 1 MiB: {name}", f"/v1/{signal}", crafted(name, MIB), "json")


def _crafted_protobuf() -> Iterator[BodyFlood]:
    deep = b""
    for _ in range(2000):
        deep = _inside(deep)
    yield BodyFlood("protobuf: a tower", "/v1/traces", deep)
    for size, bound in ((4 * MIB, SMALL_MS), (64 * MIB, LARGE_MS)):
        most = size // 2 - 64
        of = f"protobuf of {size // MIB} MiB:"
        yield BodyFlood(f"{of} empty resources", "/v1/traces", b"\x0a\x00" * most, bound_ms=bound)
        yield BodyFlood(f"{of} empty scopes", "/v1/traces", _inside(b"\x12\x00" * most), bound_ms=bound)
        yield BodyFlood(f"{of} empty spans", "/v1/traces", _inside(_field(2, b"\x12\x00" * most)), bound_ms=bound)
        attributes = _inside(_field(2, _field(2, b"\x4a\x00" * most)))
        yield BodyFlood(f"{of} empty attributes", "/v1/traces", attributes, bound_ms=bound)
        yield BodyFlood(f"{of} empty metrics", "/v1/metrics", _inside(_field(2, b"\x12\x00" * most)), bound_ms=bound)
        yield BodyFlood(f"{of} empty records", "/v1/logs", _inside(_field(2, b"\x12\x00" * most)), bound_ms=bound)


def _much() -> Iterator[BodyFlood]:
    one = span_flood("", _usual).template.filled(0)
    as_json = json.dumps(json_of(ExportTraceServiceRequest.FromString(one))).encode()
    four = one * (4 * MIB // len(one))
    many = 32
    yield BodyFlood("4 MiB of spans", "/v1/traces", four, at_once=many)
    yield BodyFlood("4 MiB of spans, gzip", "/v1/traces", gzip.compress(four), encoding="gzip", at_once=many)
    yield BodyFlood("4 MiB of spans, zstd", "/v1/traces", zstd.compress(four), encoding="zstd", at_once=many)
    yield BodyFlood("spans in JSON", "/v1/traces", as_json, "json", at_once=many)
    large = one * (64 * MIB // len(one))
    yield BodyFlood("64 MiB of spans", "/v1/traces", large, at_once=1, bound_ms=LARGE_MS)
    yield BodyFlood("8 x 64 MiB of spans", "/v1/traces", large, at_once=8, bound_ms=LARGE_MS)
    compressed = zstd.compress(large)
    yield BodyFlood(
        "8 x 64 MiB of spans, zstd", "/v1/traces", compressed, encoding="zstd", at_once=8, bound_ms=LARGE_MS
    )


def _usual(span: Any) -> None:
    for key in ("http.request.method", "http.route", "server.address", "user_agent.original", "client.address"):
        attribute(span, key, "GET" if key.endswith("method") else f"{key} with a text")
    attribute(span, "user.id", PLACE)


def _inside(content: bytes) -> bytes:
    return _field(1, content)


def _field(number: int, content: bytes) -> bytes:
    return delimited(tag(number, LENGTH_DELIMITED), content)
