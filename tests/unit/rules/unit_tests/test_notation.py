"""The notation of series: what Prometheus' parser reads, and what it refuses."""

import math
import struct
from collections.abc import Sequence

import pytest

from sidecar.model.labels import labels_of
from sidecar.model.sample import ABSENT, STALE
from sidecar.rules.unit_tests.notation import read_metric, read_series


def bits(values: Sequence[float]) -> list[bytes]:
    """Return what tells all values apart, markers included."""
    return [struct.pack("<d", value) for value in values]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("", []),
        ("1 2.5 -3 +4 .5 1e3 0x2", [1, 2.5, -3, 4, 0.5, 1000, 0, 0, 0]),
        ("1x2 1+2x2 -1-2x1", [1, 1, 1, 1, 3, 5, -1, -3]),
        ("0.1+0.1x2", [0.1, 0.2, 0.1 + 0.1 + 0.1]),
        ("_ 1 _x2 _x0 2", [ABSENT, 1, ABSENT, ABSENT, 2]),
        ("stale 1", [STALE, 1]),
        ("Inf -inf +Inf NaN", [math.inf, -math.inf, math.inf, math.nan]),
        ("{{schema:0 sum:1 count:1}} 5 {{}}x1 {{}}+{{}}x1", [ABSENT, 5, *[ABSENT] * 4]),
    ],
)
def test_values_stand_for_what_they_say(values: str, expected: list[float]) -> None:
    assert bits(read_series(f"up {values}").values) == bits(expected)


def test_native_histograms_are_told_apart_from_gaps() -> None:
    described = read_series('h{a="b"} _ {{schema:0 buckets:[1 2]}}x1 3 {{}}+{{ sum:1 }}x2')
    assert described.native == [1, 2, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("up", {"__name__": "up"}),
        ('up{a="b",}', {"__name__": "up", "a": "b"}),
        ('{__name__="up", a=\'b"c\'}', {"__name__": "up", "a": 'b"c'}),
        ('{"my name", "a b"=`c\\d`}', {"__name__": "my name", "a b": "c\\d"}),
        ('up{ a = "\\"}" }', {"__name__": "up", "a": '"}'}),
        ('up{a=""}', {"__name__": "up"}),
        ("{}", {}),
        ("", {}),
        ("sum{by='x'}", {"__name__": "sum", "by": "x"}),
    ],
)
def test_a_series_has_the_labels_that_are_written(text: str, labels: dict[str, str]) -> None:
    assert read_metric(text) == labels_of(labels)


@pytest.mark.parametrize(
    "text",
    [
        "up 1 2 three", "up 1x", "up 1+2", "up x3", "up 1 x3", "up __", "up _5", "up stalex3", "up infx3", "up 1+infx3",
        "up 0x1f", "up 1_000", "up 1e999", "up 5%", "up{a=b} 1", 'up{a!="b"} 1', 'up{a="b" 1', 'up{a="b"}1',
        'up {a="b"} 1', 'up{a="b",a="c"} 1', 'up{a="b" c="d"} 1', 'up{,} 1', 'up{a="\\q"} 1', "up 1x100000000", "5up 1",
        "up {{", "up {{}}5",
    ],
)  # fmt: skip
def test_what_prometheus_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_series(text)
