"""What is known of a shape is found out once."""

from collections.abc import Sequence

import numpy as np

from sidecar.spans.per_shape import PerShape
from sidecar.spans.shape import ObservedSpans, SpanShape, shape_of


def shape(name: str) -> SpanShape:
    return shape_of("shop", name, 1, 0, {}, {})


def batch_of(shapes: Sequence[SpanShape]) -> ObservedSpans:
    empty = np.empty(0)
    return ObservedSpans(1000.0, shapes, np.empty(0, np.int64), empty, empty.astype(np.bool_), None)


def test_each_shape_is_looked_at_once_and_others_begin_another_column() -> None:
    asked: list[str] = []

    def length_of(of: SpanShape) -> int:
        asked.append(of.name)
        return len(of.name)

    subject = PerShape(length_of, np.int64)
    shapes = [shape("a"), shape("bb")]
    assert subject.of(batch_of(shapes)).tolist() == subject.of(batch_of(shapes)).tolist() == [1, 2]
    shapes.append(shape("ccc"))
    assert subject.of(batch_of(shapes)).tolist() == [1, 2, 3]
    assert subject.of(batch_of([shape("dddd")])).tolist() == [4]
    assert asked == ["a", "bb", "ccc", "dddd"]
