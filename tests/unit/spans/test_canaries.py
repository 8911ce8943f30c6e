"""Secrets and personal data that apps send are in nothing that is kept or shown of their spans."""

from typing import Any

import pytest

from sidecar.app.registry import SPAN_STAGES
from sidecar.codec.otlp.trace_json import otlp_json
from sidecar.model.steps import finished
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights
from sidecar.spans.stages import pipeline_of
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.search import find
from sidecar.spans.traces.store import TraceStore

CANARY = "c4nary"
TRACE = b"t" * 16
SECRETS = {
    "mail": f"to {CANARY}@example.com",
    "http.request.header.authorization": f"Bearer {CANARY}",
    "note": f"sent Bearer {CANARY}.abc to it",
    "db.statement": f"SELECT 1 FROM t WHERE a = '{CANARY}'",
    "db.query.text": f"SELECT 2 FROM t WHERE a = '{CANARY}'",
    "url.full": f"https://u:{CANARY}@h/a?token={CANARY}",
    "user.id": CANARY,
}


@pytest.mark.parametrize("key", SECRETS)
def test_a_canary_is_in_no_store(key: str, span_of: Any, batch_of: Any) -> None:
    redactor = Redactor(RedactConfig())
    traces = TraceStore(TracesConfig(), redactor)
    insights = Insights(redactor=redactor, link=traces.link_error_group)
    subject = pipeline_of(SpansConfig(), insights, SPAN_STAGES, (traces,))
    text = SECRETS[key]
    message = text if key not in ("user.id", "http.request.header.authorization") else "x"
    event = (
        "exception",
        {"exception.type": "E", "exception.message": message, "exception.stacktrace": f"E: {message}"},
    )
    calls = [
        span_of(
            "SELECT",
            "CLIENT",
            trace_id=TRACE,
            span_id=bytes([number]) * 8,
            parent_span_id=b"root    ",
            attributes={"db.system.name": "postgresql", key: text},
        )
        for number in range(1, 10)
    ]
    root = span_of(
        "GET /a", status=2, message=message, trace_id=TRACE, span_id=b"root    ", attributes={key: text}, events=[event]
    )
    subject.accept(batch_of(*calls, root))
    list(subject.families(1100.0))
    finished(traces.advance(1100.0))
    trace = finished(find(traces, TRACE, 1100.0))
    assert trace is not None
    (group,) = insights.errors.newest()
    assert trace.summary.error_groups == (group.id,)
    shown = [
        finished(otlp_json(TRACE, trace.groups)),
        insights.errors.next_changes(1000),
        [fact.query for fact in insights.queries.statistics.all()],
        [*insights.queries.findings.newest()],
        trace.summary,
    ]
    assert CANARY not in repr(shown)
    assert [finding.calls for finding in insights.queries.findings.newest()] == [9]


@pytest.mark.parametrize("key", SECRETS)
def test_a_canary_is_in_no_label(key: str, span_of: Any, batch_of: Any) -> None:
    config = SpansConfig.model_validate({"dimensions": [{"name": key}]})
    subject = pipeline_of(config, Insights(redactor=Redactor(RedactConfig())), SPAN_STAGES)
    text = SECRETS[key] if key != "user.id" else f"{CANARY}@example.com"
    attributes = {key: SECRETS[key], "http.request.method": "GET", "http.route": text}
    subject.accept(batch_of(span_of(text, attributes=attributes)))
    labels = {label for item in subject.families(1100.0) for sample in item.samples for label in sample.labels}
    assert CANARY not in repr(labels)
    assert "***" in repr(labels) or "a = ?" in repr(labels)
