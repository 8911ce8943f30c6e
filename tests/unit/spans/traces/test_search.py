"""Finding kept traces again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.steps import finished
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.traces.read import text_of_value
from sidecar.spans.traces.search import TraceQuery, find, search
from tests.unit.spans.traces.building import START, Fed, span, trace_id


@pytest.fixture
def fed() -> Fed:
    """Three traces: of one service, of two, and a failed one."""
    fed = Fed(sample_ratio=1.0)
    http = {"http.request.method": "GET", "http.route": "/a", "http.response.status_code": 200}
    fed.give(span(1, at=10, seconds=0.5, attributes=http))
    fed.give(span(2, 1, at=20, seconds=1.5, name="job", kind=5), service="worker")
    fed.give(span(2, 2, parent=1, at=20, attributes={"cached": True, "share": 0.5}), service="shop")
    fed.give(span(3, at=30, failed=True, name="POST /b", events=[("exception", {"exception.type": "KeyError"})]))
    fed.wait(5)
    return fed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [3, 2, 1]),
        ({"service": "shop"}, [3, 2, 1]),
        ({"service": "worker"}, [2]),
        ({"service": "nobody"}, []),
        ({"route": "/a"}, [1]),
        ({"route": "job"}, [2]),
        ({"failed": True}, [3]),
        ({"failed": False}, [2, 1]),
        ({"min_seconds": 0.5}, [2, 1]),
        ({"max_seconds": 0.5}, [3, 1]),
        ({"since": START + 20}, [3, 2]),
        ({"until": START + 20}, [1]),
        ({"since": START + 10, "until": START + 30, "failed": False, "min_seconds": 1}, [2]),
        ({"attribute": ("http.response.status_code", "200")}, [1]),
        ({"attribute": ("cached", "true")}, [2]),
        ({"attribute": ("share", "0.5")}, [2]),
        ({"attribute": ("service.name", "worker")}, [2]),
        ({"attribute": ("exception.type", "KeyError")}, [3]),
        ({"attribute": ("exception.type", "ValueError")}, []),
        ({"attribute": ("exception.type", "KeyError"), "failed": False}, []),
    ],
)
def test_a_query_finds_the_traces_that_fit_the_last_kept_first(
    fed: Fed, query: dict[str, Any], expected: list[int]
) -> None:
    assert fed.ids(**query) == expected


def test_pages_have_every_trace_once_while_others_come_and_go() -> None:
    fed = Fed(sample_ratio=1.0, slowest_per_endpoint=0, max_traces=8)
    fed.give(*[span(number) for number in range(1, 9)])
    fed.wait(5)
    seen: list[str] = []
    before: int | None = 1_000
    while before is not None:
        page = finished(search(fed.store, TraceQuery(), 2, fed.now, before))
        seen += [summary.trace_id for summary in page.traces]
        before = page.next
        fed.give(span(100 + len(seen)))
        fed.wait(5)
    assert seen == [trace_id(number).hex() for number in (8, 7, 6, 5, 4, 3)]


def test_a_page_that_is_just_full_is_the_last_one() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(span(1), span(2))
    fed.wait(5)
    assert finished(search(fed.store, TraceQuery(), 2, fed.now)).next is None
    assert finished(search(fed.store, TraceQuery(), 1, fed.now)).next == 2


def test_reading_decides_on_what_is_due_at_that_moment() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(span(1))
    fed.now += 5
    assert fed.ids() == [1]


def test_an_attribute_is_found_by_what_is_shown_of_it_and_not_by_what_came() -> None:
    fed = Fed(Redactor(RedactConfig()), sample_ratio=1.0)
    secret = {"user.email": "bob", "note": "from bob@example.com", "bob@example.com": 1, "k*": "v", "empty": ""}
    fed.give(span(1, attributes=secret, events=[("e", {"at": 5})]))
    fed.wait(5)
    shown = {"user.email": "***", "note": "from ***", "***": "1", "k*": "v", "empty": "", "at": "5"}
    assert {key: fed.ids(attribute=(key, value)) for key, value in shown.items()} == {key: [1] for key in shown}
    came = {"user.email": "bob", "note": "from bob@example.com", "bob@example.com": "1"}
    assert {key: fed.ids(attribute=(key, value)) for key, value in came.items()} == {key: [] for key in came}


def test_what_is_kept_is_masked_as_is_configured_when_it_is_read() -> None:
    redactor = Redactor(RedactConfig())
    fed = Fed(redactor, sample_ratio=1.0)
    fed.give(span(1, attributes={"customer": "CUST-1"}))
    fed.wait(5)
    assert fed.ids(attribute=("customer", "CUST-1")) == [1]
    redactor.configure(RedactConfig(patterns=("CUST-[0-9]+",)))
    assert fed.ids(attribute=("customer", "CUST-1")) == []
    assert fed.ids(attribute=("customer", "***")) == [1]
    assert "CUST" not in repr(fed.full())


def test_a_trace_that_cannot_be_read_fails_once_and_holds_up_no_other() -> None:
    def redact(key: str, value: Any) -> Any:
        if value == "unreadable":
            raise RuntimeError("a bug")
        return value

    fed = Fed(redact, sample_ratio=1.0)
    fed.give(span(1, attributes={"k": "v"}), span(2, attributes={"k": "unreadable"}))
    fed.wait(5)
    with pytest.raises(RuntimeError):
        fed.ids(attribute=("k", "unreadable"))
    assert fed.ids() == [1]
    assert fed.value("sidecar_traces_dropped_total", "unreadable") == 1


def test_a_trace_that_is_not_kept_is_not_found() -> None:
    assert finished(find(Fed().store, trace_id(1), 0.0)) is None


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=3),
    st.lists(st.integers(0, 3), max_size=2),
    st.sampled_from(
        ["select 1 -- x", "ping", "bob@example.com", "GET /a?b=c", "4111 1111 1111 1111", "None", "1e3", ""]
    ),
)


@given(key=st.sampled_from(["k", "db.statement", "user.email", "service.name", "a b"]), value=VALUES)
def test_every_attribute_that_is_shown_is_found(key: str, value: Any) -> None:
    fed = Fed(Redactor(RedactConfig()), sample_ratio=1.0)
    fed.give(span(1, attributes={key: value}))
    fed.wait(5)
    ((shown,),) = (span.attributes.values() for group in fed.full().groups for span in group.spans)
    assert fed.ids(attribute=(key, text_of_value(shown))) == [1]
    assert fed.ids(attribute=(key, f"{text_of_value(shown)}.")) == []
