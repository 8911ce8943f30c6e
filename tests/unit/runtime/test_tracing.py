"""Tracing that may be turned on and off."""

import pytest

from sidecar.model.span import SpanKind
from sidecar.runtime.tracing import NO_TRACING, SwitchedTracing
from tests.fakes import RecordedTracing


def test_nobody_hears_of_spans_until_tracing_is_turned_on_and_after_it_is_turned_off() -> None:
    recorded, tracing = RecordedTracing(), SwitchedTracing()
    for name, use in (("before", None), ("meanwhile", recorded), ("after", NO_TRACING)):
        if use is not None:
            tracing.use(use)
        with tracing.span(name, SpanKind.CLIENT, {}) as span:
            span.note({"n": 1})
            span.fail("x", "y")
    assert [(span.name, span.attributes, span.error) for span in recorded.spans] == [
        ("meanwhile", {"n": 1}, ("x", "y"))
    ]


def test_an_error_passes_where_nobody_traces() -> None:
    with pytest.raises(KeyError), NO_TRACING.span("work", SpanKind.INTERNAL, {}):
        raise KeyError
