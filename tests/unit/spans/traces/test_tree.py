"""A trace as a tree."""

import json
from typing import Any

from sidecar.model.steps import finished
from sidecar.spans.traces.tree import jaeger_tree
from tests.conftest import ROOT
from tests.unit.spans.traces.building import START, Fed, span, trace_id

GOLDEN = ROOT / "tests/golden/traces/jaeger.json"


def tree_of(fed: Fed) -> dict[str, Any]:
    fed.wait(5)
    return finished(jaeger_tree(trace_id(1), fed.full().groups, fed.now, START))


def shape(tree: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return number, depth and self time in milliseconds of each span, in the order of the tree."""
    return [(int(span["spanID"] or "0", 16), span["depth"], span["selfTime"] // 1000) for span in tree["spans"]]


def test_children_come_after_their_parent_and_self_time_is_what_they_leave() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(
        span(1, 5, parent=3, at=0.25, seconds=0.1),
        span(1, 4, parent=1, at=0.5, seconds=0.7),
        span(1, 3, parent=1, at=0.2, seconds=0.2),
        span(1, 2, parent=1, at=0.1, seconds=0.2),
        span(1, 1, seconds=1),
    )
    # children of 1 cover 0.1 to 0.4 and 0.5 to its end, though one ends after it
    assert shape(tree_of(fed)) == [(1, 0, 200), (2, 1, 200), (3, 1, 100), (5, 2, 100), (4, 1, 700)]


def test_spans_without_their_parent_are_roots_with_a_warning() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(span(1, 1), span(1, 3, parent=2, at=1), span(1, 4, parent=3, at=1))
    tree = tree_of(fed)
    assert [(number, depth) for number, depth, _ in shape(tree)] == [(1, 0), (3, 0), (4, 1)]
    assert [bool(span["warnings"]) for span in tree["spans"]] == [False, True, False]


def test_spans_in_a_circle_are_all_there_once() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(span(1, 1), span(1, 2, parent=4), span(1, 3, parent=2), span(1, 4, parent=3), span(1, 5, parent=5))
    assert sorted(number for number, _, _ in shape(tree_of(fed))) == [1, 2, 3, 4, 5]


def test_spans_that_share_an_id_are_all_there_once() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(*[span(1, 1, parent=1, at=number) for number in range(500)], span(1, 2, parent=1))
    fed.wait(30)
    assert len(tree_of(fed)["spans"]) == 501


def test_a_chain_may_be_as_deep_as_a_trace_is_long() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(*[span(1, number, parent=number - 1) for number in range(1, 1001)])
    assert shape(tree_of(fed))[-1][:2] == (1000, 999)


def test_the_tree_is_as_in_the_golden_file() -> None:
    fed = Fed(sample_ratio=1.0)
    values = {"text": "x", "whole": 1, "part": 0.5, "yes": True}
    caller = span(1, 1, seconds=0.5, failed=True, message="bad", events=[("exception", {"exception.type": "E"})])
    caller.links.add(trace_id=trace_id(7), span_id=b"\0\0\0\0\0\0\0\7")
    listed = caller.attributes.add(key="list").value.array_value.values
    listed.add().string_value = "a"
    listed.add().int_value = 1
    caller.attributes.add(key="raw").value.bytes_value = b"\xff\0"
    fed.give(caller)
    fed.give(span(1, 2, parent=1, at=0.1, seconds=0.2, kind=3, attributes=values), service="other")
    assert json.loads(json.dumps(tree_of(fed))) == json.loads(GOLDEN.read_text())
