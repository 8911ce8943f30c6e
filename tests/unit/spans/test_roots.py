"""Local roots."""

from typing import Any

import pytest

from sidecar.model.span import SpanKind
from sidecar.spans.observe import Observer
from sidecar.spans.roots import are_local_roots

PARENT = b"12345678"


@pytest.mark.parametrize(
    ("kind", "parent", "flags", "expected"),
    [
        ("INTERNAL", b"", 0, True),
        ("INTERNAL", bytes(8), 0x101, True),
        ("SERVER", PARENT, 0x301, True),
        ("INTERNAL", PARENT, 0x300, True),
        ("SERVER", PARENT, 0x101, False),
        ("CLIENT", PARENT, 0x100, False),
        ("SERVER", PARENT, 0x001, True),
        ("CONSUMER", PARENT, 0, True),
        ("CLIENT", PARENT, 0x200, False),
        ("INTERNAL", PARENT, 0x001, False),
    ],
)
def test_a_span_is_a_local_root_without_a_parent_or_with_one_in_another_process(
    span_of: Any, batch_of: Any, kind: str, parent: bytes, flags: int, expected: bool
) -> None:
    batch = batch_of(span_of(kind=kind, parent_span_id=parent, flags=flags))
    (columns,) = (spans.columns for spans in Observer(frozenset(SpanKind)).observe(batch))
    assert are_local_roots(columns.parent_id, columns.flags, columns.kind).tolist() == [expected]
