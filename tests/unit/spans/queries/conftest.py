"""Traces with calls to databases."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.unit.spans.conftest import SECOND

START = 1_700_000_000 * SECOND


def trace_id(number: int) -> bytes:
    return b"trace%011d" % number


def span_id(number: int) -> bytes:
    return b"span%04d" % number


@pytest.fixture
def query_of(span_of: Callable[..., Span]) -> Callable[..., Span]:
    """Return a builder of calls, which begin `at` seconds."""

    def build(text: str = "SELECT name FROM product WHERE sku = $1", **more: Any) -> Span:
        system, at, number = more.pop("system", "postgresql"), more.pop("at", 0.0), more.pop("number", 0)
        attributes = {"db.system.name": system, "server.address": "db", "db.query.text": text, **more.pop("extra", {})}
        settings = {"kind": "CLIENT", "trace_id": trace_id(0), "parent_span_id": span_id(0), "span_id": span_id(number)}
        span = span_of("SELECT", seconds=more.pop("seconds", 0.01), attributes=attributes, **{**settings, **more})
        return moved(span, at)

    return build


@pytest.fixture
def root_of(span_of: Callable[..., Span]) -> Callable[..., Span]:
    """Return a builder of requests."""

    def build(route: str = "/orders/{id}", **more: Any) -> Span:
        attributes = {"http.request.method": "GET", "http.route": route, "http.response.status_code": 200}
        settings = {"trace_id": trace_id(0), "span_id": span_id(0), "seconds": 1.0}
        return span_of(f"GET {route}", attributes=attributes, **{**settings, **more})

    return build


def moved(span: Span, at: float) -> Span:
    """Return `span`, beginning `at` seconds."""
    span.end_time_unix_nano += START + round(at * SECOND) - span.start_time_unix_nano
    span.start_time_unix_nano = START + round(at * SECOND)
    return span
