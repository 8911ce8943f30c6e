"""Our spans as the SDK's: times of the clock that was passed in, errors, and work that was cancelled."""

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind as ApiSpanKind
from opentelemetry.trace import StatusCode

from sidecar.deliver.telemetry.spans import REASON_CHARACTERS, SdkTracing
from sidecar.model.span import SpanKind
from tests.fakes import FakeClock


class Traced:
    """Tracing into memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.memory = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.memory))
        self.tracing = SdkTracing(provider.get_tracer("test"), self.clock)


@pytest.fixture
def traced() -> Traced:
    return Traced()


def test_a_span_lasts_as_long_as_the_block(traced: Traced) -> None:
    began = traced.clock.now()
    with traced.tracing.span("work", SpanKind.INTERNAL, {"a": 1}) as span:
        traced.clock.pass_by(2.5)
        span.note({"b": "x"})
    (done,) = traced.memory.get_finished_spans()
    assert (done.start_time, done.end_time) == (began * 1e9, (began + 2.5) * 1e9)
    assert (done.kind, done.status.status_code) == (ApiSpanKind.INTERNAL, StatusCode.UNSET)
    assert dict(done.attributes or {}) == {"a": 1, "b": "x"}


def test_spans_within_each_other_are_traces_of_their_own(traced: Traced) -> None:
    with traced.tracing.span("outer", SpanKind.CLIENT, {}), traced.tracing.span("inner", SpanKind.CLIENT, {}):
        pass
    assert [span.parent for span in traced.memory.get_finished_spans()] == [None, None]


def test_an_error_that_leaves_the_block_marks_the_span_and_goes_on(traced: Traced) -> None:
    with pytest.raises(ValueError, match="c4nary"), traced.tracing.span("work", SpanKind.CLIENT, {}):
        raise ValueError("redis://:c4nary@h refused")
    (done,) = traced.memory.get_finished_spans()
    assert (done.status.status_code, done.status.description) == (StatusCode.ERROR, "redis://***@h refused")
    assert dict(done.attributes or {}) == {"error.type": "ValueError"}


def test_a_reason_has_an_end(traced: Traced) -> None:
    with traced.tracing.span("work", SpanKind.CLIENT, {}) as span:
        span.fail("long", "x" * 10_000)
    (done,) = traced.memory.get_finished_spans()
    assert len(done.status.description or "") == REASON_CHARACTERS


async def test_work_that_is_cancelled_gives_no_span(traced: Traced) -> None:
    async def work() -> None:
        with traced.tracing.span("work", SpanKind.CLIENT, {}):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await work()
    assert traced.memory.get_finished_spans() == ()
