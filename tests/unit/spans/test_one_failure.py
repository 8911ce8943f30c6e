"""One failure is one error, however many spans tell of it; others beside it count each."""

from pathlib import Path
from typing import Any

import pytest

from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.model.steps import finished
from sidecar.spans.insights import Insights
from tests.unit.spans.pipelines import ERRORS, judged, pipeline, shown

TRACE = b"t" * 16
HANDLED = "sidecar_errors_handled_total"


def ids(number: int, parent: int | None = None) -> dict[str, bytes]:
    """Return the ids of a span of the one trace; a span without a parent is the request."""
    above = {} if parent is None else {"parent_span_id": b"span%04d" % parent}
    return {"trace_id": TRACE, "span_id": b"span%04d" % number, **above}


def thrown(kind: str = "TimeoutError", message: str = "no answer") -> list[Any]:
    return [("exception", {"exception.type": kind, "exception.message": message})]


class Told:
    """What became of spans."""

    def __init__(self, batch_of: Any) -> None:
        self.insights = Insights()
        self._pipeline = pipeline(self.insights)
        self._batch_of = batch_of

    def send(self, *spans: Any, **more: Any) -> "Told":
        self._pipeline.accept(self._batch_of(*spans, **more))
        return self

    @property
    def errors(self) -> list[tuple[str, float]]:
        """The types of the groups, and how many errors each has."""
        return sorted((group.type, group.count) for group in judged(self.insights).errors.newest())

    def metric(self, values_of: Any, name: str, *labels: str) -> Any:
        return values_of(shown(self._pipeline, 1100.0), name, *labels)


@pytest.fixture
def told(batch_of: Any) -> Told:
    return Told(batch_of)


@pytest.mark.parametrize("reverse", [False, True])
def test_an_exception_on_its_way_up_is_one_also_without_an_event_in_the_request(
    reverse: bool, told: Told, span_of: Any
) -> None:
    spans = [
        span_of("pg.query", "CLIENT", status=2, events=thrown(), **ids(2, 1)),
        span_of("handler", "INTERNAL", status=2, events=thrown(), **ids(1, 0)),
        span_of("GET /a", "SERVER", status=2, **ids(0)),
    ]
    for span in reversed(spans) if reverse else spans:
        told.send(span)
    assert told.errors == [("TimeoutError", 1)]


def test_work_within_a_request_that_failed_tells_of_no_other_failure(told: Told, span_of: Any) -> None:
    told.send(
        span_of("GET /a http send", "INTERNAL", status=2, **ids(1, 0)),
        span_of("GET /a", "SERVER", attributes={"http.response.status_code": 500}, **ids(0)),
    )
    assert [count for _, count in told.errors] == [1]


@pytest.mark.parametrize("untyped", ["failed", "failed: no answer"])
def test_an_exception_without_a_type_whose_status_has_the_text_of_one_above_is_part_of_it(
    untyped: str, told: Told, span_of: Any
) -> None:
    event = ("exception", {"exception.message": untyped})
    told.send(
        span_of("GET stock", "CLIENT", status=2, message="no answer", events=[event], **ids(1, 0)),
        span_of("GET /a", "SERVER", status=2, events=thrown(), **ids(0)),
    )
    assert told.errors == [("TimeoutError", 1)]


def test_a_database_call_without_an_event_below_an_exception_is_part_of_it(told: Told, span_of: Any) -> None:
    told.send(
        span_of(
            "INSERT",
            "CLIENT",
            status=2,
            message="duplicate key",
            attributes={"db.system.name": "postgresql"},
            **ids(1, 0),
        ),
        span_of("POST /a", "SERVER", status=2, events=thrown("IntegrityError", "(psycopg) duplicate key"), **ids(0)),
    )
    assert told.errors == [("IntegrityError", 1)]


DUPLICATE = "duplicate key value violates unique constraint"


@pytest.mark.parametrize("reverse", [False, True])
def test_an_exception_that_another_one_wraps_on_its_way_up_is_that_one(reverse: bool, told: Told, span_of: Any) -> None:
    spans = [
        span_of("INSERT", "CLIENT", status=2, events=thrown("psycopg.errors.UniqueViolation", DUPLICATE), **ids(2, 1)),
        span_of("save", "INTERNAL", status=2, events=thrown("IntegrityError", f"(psycopg) {DUPLICATE}"), **ids(1, 0)),
        span_of("POST /a", "SERVER", status=2, events=thrown("IntegrityError", f"(psycopg) {DUPLICATE}"), **ids(0)),
    ]
    for span in reversed(spans) if reverse else spans:
        told.send(span)
    assert told.errors == [("IntegrityError", 1)]


def test_each_exception_wraps_one(told: Told, span_of: Any) -> None:
    calls = [span_of("fetch", "CLIENT", status=2, events=thrown(), **ids(number, 0)) for number in range(1, 11)]
    told.send(*calls, span_of("GET /a", "SERVER", status=2, events=thrown("CartError", "cart: no answer"), **ids(0)))
    assert told.errors == [("CartError", 1), ("TimeoutError", 9)]


def test_exceptions_wrapped_again_and_again_are_one(told: Told, span_of: Any) -> None:
    told.send(
        span_of("fetch", "CLIENT", status=2, events=thrown("Timeout", "no answer"), **ids(2, 1)),
        span_of("cart", "INTERNAL", status=2, events=thrown("CartError", "cart: no answer"), **ids(1, 0)),
        span_of("GET /a", "SERVER", status=2, events=thrown("PageError", "page: cart: no answer"), **ids(0)),
    )
    assert told.errors == [("PageError", 1)]


def test_what_wraps_nothing_or_is_of_another_request_counts(told: Told, span_of: Any) -> None:
    told.send(
        span_of("fetch", "CLIENT", status=2, events=thrown("Timeout", ""), **ids(1, 0)),
        span_of("GET /a", "SERVER", status=2, events=thrown("CartError", "no answer"), **ids(0)),
        span_of("GET /b", "SERVER", status=2, events=thrown("Timeout", "no answer"), **ids(2, 0)),
    )
    assert told.errors == [("CartError", 1), ("Timeout", 1), ("Timeout", 1)]


def test_what_others_said_and_the_own_failure_count_each(told: Told, span_of: Any) -> None:
    told.send(
        span_of(
            "GET", "CLIENT", attributes={"http.request.method": "GET", "http.response.status_code": 404}, **ids(1, 0)
        ),
        span_of("Pay", "CLIENT", status=2, message="card declined", **ids(2, 0)),
        span_of("POST /a", "SERVER", status=2, events=thrown("ValueError", "no total"), **ids(0)),
    )
    assert sum(count for _, count in told.errors) == 3


def test_the_same_exception_counts_in_each_service(told: Told, span_of: Any) -> None:
    told.send(span_of("GET /a", "SERVER", status=2, events=thrown(), **ids(0)), service="front")
    told.send(span_of("GET /b", "SERVER", status=2, events=thrown(), **ids(1, 0)), service="back")
    assert told.errors == [("TimeoutError", 1), ("TimeoutError", 1)]


def test_the_same_exception_counts_in_each_of_ten_siblings(told: Told, span_of: Any) -> None:
    siblings = [span_of("fetch", "CLIENT", status=2, events=thrown(), **ids(number, 0)) for number in range(1, 11)]
    told.send(*siblings, span_of("GET /a", "SERVER", status=2, events=thrown(), **ids(0)))
    assert told.errors == [("TimeoutError", 10)]


def test_jobs_of_one_trace_count_each(told: Told, span_of: Any) -> None:
    jobs = [span_of("job", "CONSUMER", status=2, events=thrown(), **ids(number, 0)) for number in range(1, 7)]
    told.send(*jobs, span_of("enqueue", "INTERNAL", **ids(0)))
    assert told.errors == [("TimeoutError", 6)]


@pytest.mark.parametrize(("status", "errors", "handled"), [(404, 0, 1), (422, 0, 1), (500, 1, 0), (200, 1, 0)])
def test_exceptions_of_requests_that_are_answered_with_4xx_are_handled(
    status: int, errors: int, handled: int, told: Told, span_of: Any, values_of: Any
) -> None:
    answer = {"http.request.method": "GET", "http.response.status_code": status}
    told.send(
        span_of("handler", "INTERNAL", status=2, events=thrown("NotFound", "no such"), **ids(1, 0)),
        span_of("GET /a", "SERVER", attributes=answer, **ids(0)),
    )
    assert told.metric(values_of, HANDLED) == {(): handled}
    assert sum(told.metric(values_of, ERRORS, "type").values()) == errors


@pytest.mark.parametrize(("status", "errors", "handled"), [(404, 0, 1), (400, 0, 1), (500, 1, 0), (200, 1, 0)])
def test_an_exception_that_the_request_itself_tells_is_handled_if_its_answer_was_4xx(
    status: int, errors: int, handled: int, told: Told, span_of: Any, values_of: Any
) -> None:
    answer = {"http.request.method": "GET", "http.response.status_code": status}
    told.send(
        span_of("view", "INTERNAL", status=2, events=thrown("Http404", "no such"), **ids(1, 0)),
        span_of("GET /a", "SERVER", status=2, events=thrown("Http404", "no such"), attributes=answer, **ids(0)),
    )
    assert told.metric(values_of, HANDLED) == {(): handled}
    assert sum(told.metric(values_of, ERRORS, "type").values()) == errors


def test_a_request_that_says_of_itself_that_it_failed_is_an_error_whatever_it_was_answered(
    told: Told, span_of: Any
) -> None:
    answer = {"http.request.method": "GET", "http.response.status_code": 429}
    told.send(span_of("GET /a", "SERVER", status=2, message="quota is used up", attributes=answer, **ids(0)))
    assert [count for _, count in told.errors] == [1]


def test_without_its_request_a_failure_counts_in_the_end(told: Told, span_of: Any) -> None:
    told.send(span_of("fetch", "INTERNAL", status=2, events=thrown(), **ids(1, 0)))
    assert [*judged(told.insights, 1064.0).errors.newest()] == []
    assert [group.count for group in judged(told.insights, 1066.0).errors.newest()] == [1]


@pytest.mark.parametrize("name", ["express_one_failure.json", "express_one_pg_failure.json"])
def test_one_failure_of_a_real_app_is_one(name: str, shared_data: Path) -> None:
    path = shared_data.parent / "cases/frameworks/node" / name
    if not path.exists():
        pytest.skip(f"no dump at {path}")
    insights = Insights()
    subject = pipeline(insights)
    for batch in finished(JsonTraces().read(path.read_bytes(), 1000.0)):
        subject.accept(batch)
    assert [group.count for group in judged(insights).errors.newest()] == [1]
