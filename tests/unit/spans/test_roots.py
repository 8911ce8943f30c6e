"""Local roots."""

from typing import Any

import pytest

from sidecar.codec.peer.ids import span_id_of
from sidecar.spans.roots import is_local_root

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
    ((span,),) = (group.spans for group in batch_of(span_of(kind=kind, parent_span_id=parent, flags=flags)).groups)
    assert is_local_root(span, span_id_of(parent)) is expected
