"""Texts are shortened between words and calls, so that no half of a secret is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.redaction.config import RedactConfig
from sidecar.redaction.long_text import beginning, both_ends
from sidecar.redaction.telemetry import LONGEST, Redactor

REDACT = Redactor(RedactConfig())


@given(st.text(max_size=60), st.integers(0, 70))
def test_what_is_left_is_a_beginning_and_no_longer(text: str, characters: int) -> None:
    found = beginning(text, characters)
    assert text.startswith(found)
    assert len(found) <= characters or found == text


@pytest.mark.parametrize("padding", range(LONGEST - 30, LONGEST + 2))
def test_a_secret_at_the_cut_is_not_shown_in_part(padding: int) -> None:
    found = REDACT.text("x" * (padding - 1) + " s3cr3t.jane@example.com and more" + " y" * 100)
    assert "s3cr" not in found


def test_the_end_of_a_long_stack_trace_starts_with_a_call() -> None:
    statement = "INSERT INTO t VALUES " + "('s3cr3t', 1), " * 2000
    stack = (
        f'Traceback (most recent call last):\n  File "a.py", line 1, in f\nE: {statement}\n  File "b.py", line 1, in g'
    )
    found = REDACT.text(both_ends(stack, 4 << 10, 12 << 10))
    assert "s3cr" not in found
    assert found.endswith('...\n  File "b.py", line 1, in g')
    assert both_ends("a" * 100, 10, 20).endswith("\n...")
