"""Generated workloads become what a naive reference makes of them, without exception."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from typing_extensions import override

from sidecar.sketch.exponential import RELATIVE_ERROR
from sidecar.spans.queries.statistics import RELATIVE_ERROR as RELATIVE_ERROR_OF_QUERIES
from tests.reference.spans.queries import QueryFacts
from tests.reference.spans.red import quantile
from tests.reference.spans.reference import Reference
from tests.reference.spans.rules import PRESENT
from tests.reference.spans.sent import Sent
from tests.reference.spans.series import Samples
from tests.unit.spans.reference.driving import STARTED_AT, Takes, drive
from tests.unit.spans.reference.present import Exemplars, Present
from tests.workloads.posts import Post
from tests.workloads.spans import WORKLOADS, workload

RULES = PRESENT
"""The rules of the pipeline that is compared."""
LATENCIES = ("sidecar_endpoint_latency_seconds", "sidecar_dependency_latency_seconds")
NOT_SAID = frozenset(
    {
        *LATENCIES,
        "sidecar_error_groups",
        "sidecar_traces",
        "sidecar_traces_bytes",
    }
)
"""What the reference says nothing of as samples: percentiles, and what is in memory."""
GRAPH = "traces_service_graph_"
SETTLES_LATER = ("sidecar_traces_", "sidecar_spans_not_stored_")
"""What waits for more spans: it is not complete while they come."""


class Naive(Takes):
    """The reference, which reads requests in protobuf."""

    def __init__(self) -> None:
        self.reference = Reference(RULES, STARTED_AT)

    @override
    def receive(self, post: Post, now: float) -> None:
        self.reference.receive(post.protobuf(), now)

    @override
    def tick(self, now: float) -> None:
        self.reference.tick(now)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_becomes_what_the_reference_says(name: str) -> None:
    posts = workload(name)
    driven, subjects = Naive(), {form: Present(form) for form in ("protobuf", "json")}
    naive, now = driven.reference, STARTED_AT
    for subject in subjects.values():
        subject.page(STARTED_AT)  # from now on its time is known
    all_driven: list[Takes] = [driven, *subjects.values()]
    for is_settled, moments in enumerate(zip(*(drive(one, posts) for one in all_driven), strict=True)):
        now = moments[0]
        expected = naive.samples(now)
        for form, subject in subjects.items():
            shown, exemplars = subject.page(now)
            assert _differing(shown, expected, settled=bool(is_settled)) == {}, form
            assert _quantiles_beyond(shown, naive, now) == {}, form
            assert _odd_exemplars(exemplars, naive) == [], form
    queries, facts = _queries_expected(naive), naive.queries.facts()
    groups, findings, traces = _groups_expected(naive), _findings_expected(naive), _traces_expected(naive)
    for subject in subjects.values():
        assert _groups_of(subject) == groups
        assert _queries_of(subject) == pytest.approx(queries, rel=1e-9)
        assert _query_quantiles_beyond(subject, facts) == {}
        assert _findings_of(subject) == findings
        assert _traces_of(subject, now) == traces


def _differing(shown: Samples, expected: Samples, *, settled: bool) -> dict[Any, tuple[float, float]]:
    """Return what is shown and what is expected where these are not the same; nothing is as good as zero."""
    if any("otel_metric_overflow" in dict(labels) for name, labels in expected if name.startswith(GRAPH)):
        shown, expected = _with_graph_as_sums(shown), _with_graph_as_sums(expected)
    keys = {key for key in (*shown, *expected) if key[0] not in NOT_SAID}
    if not settled:
        keys = {key for key in keys if not key[0].startswith(SETTLES_LATER)}
    pairs = {key: (shown.get(key, 0.0), expected.get(key, 0.0)) for key in keys}
    return {key: pair for key, pair in pairs.items() if not math.isclose(*pair, rel_tol=1e-9, abs_tol=1e-12)}


def _with_graph_as_sums(samples: Samples) -> Samples:
    """Return `samples` with those of all edges added up: which edges come first and have series is a matter of turn."""
    added: Samples = {}
    for (name, labels), value in samples.items():
        if ("metric", f"{GRAPH}request_total") in labels:
            continue
        is_edge = name.startswith(f"{GRAPH}request")
        key = (name, tuple(pair for pair in labels if pair[0] == "le")) if is_edge else (name, labels)
        added[key] = added.get(key, 0.0) + value
    return added


def _quantiles_beyond(shown: Samples, naive: Reference, now: float) -> dict[Any, Any]:
    """Return the percentiles that are further from the exact ones than is promised, or there without being expected."""
    expected = dict(naive.quantiles(now))
    found = {key: value for key, value in shown.items() if key[0] in LATENCIES}
    assert found.keys() == expected.keys()
    return {
        key: (found[key], exact) for key, exact in expected.items() if not _is_near(found[key], exact, RELATIVE_ERROR)
    }


def _is_near(value: float, exact: tuple[float, float], error: float) -> bool:
    lowest, highest = exact
    return lowest * (1 - error) - 1e-12 <= value <= highest * (1 + error) + 1e-12


def _odd_exemplars(exemplars: Exemplars, naive: Reference) -> list[Any]:
    """Return the buckets whose exemplar is none of the spans of their last second, or that should have one."""
    odd = []
    for key, spans in naive.buckets():
        latest = max(sent.received_at for sent in spans)
        recent = {(sent.trace_id, sent.span_id) for sent in spans if sent.received_at > latest - 1}
        shown = exemplars.get(key)
        if shown is None:
            odd += [key] * all(trace_id and span_id for trace_id, span_id in recent)
        elif (shown.trace_id, shown.span_id) not in recent:
            odd.append(key)
    return odd


def _groups_of(subject: Present) -> dict[str, Any]:
    return {
        key: {
            "of": (group.service, group.type),
            "seen": (group.first_seen, group.last_seen),
            "count": group.count,
            "releases": {name: release.count for name, release in group.releases.items()},
            "examples": [(example.trace_id, example.span_id) for example in group.examples],
        }
        for key, group in subject.groups().items()
    }


def _groups_expected(naive: Reference) -> dict[str, Any]:
    return {
        key: {
            "of": (group.service, group.type),
            "seen": (group.first_seen, group.last_seen),
            "count": group.count,
            "releases": group.releases,
            "examples": group.examples,
        }
        for key, group in naive.errors.groups().items()
    }


def _queries_of(subject: Present) -> dict[Any, float]:
    found: dict[Any, float] = {}
    for facts in subject.queries():
        query = (facts.query.service, facts.query.system, facts.query.statement)
        values = {
            "by driver": facts.query.by_driver,
            "calls": facts.calls,
            "errors": facts.errors,
            "seconds": facts.seconds,
            "shortest": facts.shortest_seconds,
            "longest": facts.longest_seconds,
            "first seen": facts.first_seen,
            "last seen": facts.last_seen,
        }
        found |= {(*query, key): value for key, value in (values | dict(facts.slow)).items()}
        found |= {(*query, "for", route): calls for route, calls in facts.query.routes.items()}
    return found


def _queries_expected(naive: Reference) -> dict[Any, float]:
    expected: dict[Any, float] = {}
    for query, facts in naive.queries.facts().items():
        seconds = [sent.seconds for sent in facts.calls]
        values = {
            "by driver": facts.by_driver,
            "calls": sum(sent.weight for sent in facts.calls),
            "errors": sum(sent.weight for sent in facts.calls if sent.failed),
            "seconds": sum(sent.seconds * sent.weight for sent in facts.calls),
            "shortest": min(seconds),
            "longest": max(seconds),
            "first seen": min(facts.judged_at),
            "last seen": max(facts.judged_at),
        }
        expected |= {(*query, key): value for key, value in (values | facts.slow).items()}
        expected |= {(*query, "for", route): calls for route, calls in facts.routes.items()}
    return expected


def _query_quantiles_beyond(subject: Present, expected: Mapping[Any, QueryFacts]) -> dict[Any, Any]:
    return {
        (facts.query.statement, ratio): (seconds, exact)
        for facts in subject.queries()
        for ratio, seconds in facts.quantiles.items()
        for calls in [expected[facts.query.service, facts.query.system, facts.query.statement].calls]
        if not _is_near(_within(seconds), exact := _exact(calls, ratio), RELATIVE_ERROR_OF_QUERIES)
    }


def _exact(calls: Sequence[Sent], ratio: float) -> tuple[float, float]:
    lowest, highest = quantile(calls, ratio)
    return _within(lowest), _within(highest)


def _within(seconds: float) -> float:
    """Return what a query is said to have taken: from a microsecond to 256 s, less the error."""
    return min(max(seconds, 1e-6), 256 / (1 + RELATIVE_ERROR_OF_QUERIES))


def _findings_of(subject: Present) -> dict[Any, Any]:
    found = {}
    for finding in subject.findings():
        query = finding.query.service, finding.query.system, finding.query.statement
        what = finding.kind.value, finding.service, finding.route, finding.caller, query
        evidence = bytes.fromhex(finding.trace_id), finding.calls, finding.seconds
        found[what] = finding.traces, finding.most_calls, evidence
    return found


def _findings_expected(naive: Reference) -> dict[Any, Any]:
    expected = {}
    for what, requests in naive.queries.findings().items():
        cited = next(request for request in requests if request.trace_id == naive.cited[what])
        expected[tuple(what)] = len(requests), max(request.calls for request in requests), tuple(cited)
    return expected


def _traces_of(subject: Present, now: float) -> dict[str, Any]:
    return {
        trace.trace_id: {
            "reason": trace.reason,
            "endpoint": (trace.service, trace.method, trace.route),
            "name": trace.name,
            "spans": (trace.spans, trace.missing, trace.errors),
            "failed": trace.failed,
            "services": {*trace.services},
            "error groups": trace.error_groups,
            "times": (trace.started_at, trace.duration_seconds) if trace.name else None,
        }
        for trace in subject.traces(now)
    }


def _traces_expected(naive: Reference) -> dict[str, Any]:
    groups = naive.errors.groups_of_traces()
    return {
        held.trace_id.hex(): {
            "reason": held.reason,
            "endpoint": (held.endpoint.service or held.trace.spans[0].service, *held.endpoint[1:]),
            "name": held.name,
            "spans": (held.spans, held.missing, sum(sent.failed for sent in held.trace.spans)),
            "failed": held.failed(RULES),
            "services": {sent.service for sent in held.stored},
            "error groups": groups.get(held.trace_id, ()),
            "times": (held.root.started_nano() / 1e9, held.root.seconds) if held.root else None,
        }
        for held in naive.traces.kept.values()
    }
