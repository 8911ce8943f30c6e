"""Finding kept traces again."""

from typing import Any

import pytest

from sidecar.model.steps import finished
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


def test_an_attribute_is_found_among_more_than_are_remembered() -> None:
    fed = Fed(sample_ratio=1.0, max_bytes_per_trace=4 << 20)
    many = {f"key{number}": "v" for number in range(100)}
    for number in range(1, 61):
        mine = {f"{key}.{number}": value for key, value in many.items()}
        fed.give(span(1, number, parent=number - 1, attributes=mine))
    fed.wait(5)
    assert fed.store.kept.traces[trace_id(1)].seen is None
    assert fed.ids(attribute=("key99.60", "v")) == [1]
    assert fed.ids(attribute=("key99.61", "v")) == []


def test_a_trace_that_is_not_kept_is_not_found() -> None:
    assert finished(find(Fed().store, trace_id(1), 0.0)) is None
