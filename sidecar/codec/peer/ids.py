"""Ids of traces and spans as peers send them, and which of them are none.

OTLP: an id with all zeroes, or of a length other than 16 bytes (8 of a span), is invalid and like one that is absent.
Whoever asks here never sees such an id, nor keeps a megabyte that a sender has put into one.
"""

from binascii import unhexlify

NO_ID = b""
"""What stands for an id that is not there. It is no key: what has no id has nothing in common with another one."""

TRACE_ID_BYTES, SPAN_ID_BYTES = 16, 8
_NO_TRACE, _NO_SPAN = bytes(TRACE_ID_BYTES), bytes(SPAN_ID_BYTES)


def trace_id_of(raw: bytes) -> bytes:
    """Return `raw` if it is the id of a trace, else NO_ID."""
    return raw if len(raw) == TRACE_ID_BYTES and raw != _NO_TRACE else NO_ID


def span_id_of(raw: bytes) -> bytes:
    """Return `raw` if it is the id of a span, else NO_ID."""
    return raw if len(raw) == SPAN_ID_BYTES and raw != _NO_SPAN else NO_ID


def trace_id_of_hex(text: str) -> bytes:
    """Return the id of a trace that `text` is in hexadecimal of either case, else NO_ID."""
    try:
        return trace_id_of(unhexlify(text))
    except ValueError:  # not hexadecimal, not even ASCII
        return NO_ID
