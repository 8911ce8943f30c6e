"""Batches of spans: split, nothing is lost."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.span import SpanBatch
from tests.unit.receive.served import body_of


@given(st.lists(st.integers(0, 40), max_size=5), st.integers(1, 60))
def test_a_batch_that_is_split_has_the_same_spans_in_the_same_groups_and_order(sizes: list[int], most: int) -> None:
    groups = list(chain.from_iterable(batch.groups for size in sizes for batch in SpanBatches(body_of(size), 5.0)))
    parts = list(SpanBatch(5.0, groups).split(most))
    pieces = [group for part in parts for group in part.groups]
    assert [span for group in pieces for span in group.spans] == [span for group in groups for span in group.spans]
    assert all(len(part) == most for part in parts[:-1])
    assert all(0 < len(part) <= most and part.received_at == 5.0 for part in parts)
