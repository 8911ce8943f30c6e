"""Ids of traces and spans: which there are, and which are none."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.peer.ids import NO_ID, span_id_of, trace_id_of, trace_id_of_hex

anything = st.binary(max_size=20) | st.sampled_from([bytes(8), bytes(16), b"s" * 8, b"t" * 16])


@given(raw=anything)
def test_an_id_has_its_length_and_is_not_all_zeros(raw: bytes) -> None:
    assert trace_id_of(raw) == (raw if len(raw) == 16 and any(raw) else NO_ID)
    assert span_id_of(raw) == (raw if len(raw) == 8 and any(raw) else NO_ID)


@given(text=st.text(max_size=40) | st.binary(min_size=16, max_size=16).map(bytes.hex))
def test_in_hexadecimal_it_is_of_either_case_and_else_none(text: str) -> None:
    found = trace_id_of_hex(text)
    assert found == NO_ID or (found.hex() == text.lower() and any(found))
    assert trace_id_of_hex(text.upper()) == found or not text.isascii()
