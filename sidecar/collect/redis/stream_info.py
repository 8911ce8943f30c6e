"""What XINFO and XPENDING answer, taken apart."""

from collections.abc import Mapping

from sidecar.collect.redis.section import Reply, text_of


def named(reply: Reply) -> Mapping[str, Reply]:
    """Return a reply of names and values in turn as a mapping, whatever the order and whichever a version has."""
    items = reply if isinstance(reply, list) else []
    return {text_of(name): value for name, value in zip(items[::2], items[1::2], strict=False)}


def rows(reply: Reply) -> list[Mapping[str, Reply]]:
    """Return a reply of several such rows."""
    return [named(row) for row in reply] if isinstance(reply, list) else []


def number_in(row: Mapping[str, Reply], name: str) -> float | None:
    """Return a number of the row; None where the version has none or the server cannot tell."""
    value = row.get(name)
    return float(value) if isinstance(value, int) else None


def id_milliseconds(reply: Reply) -> float | None:
    """Return the part of a stream id such as `1700000000000-0` that is a time, in milliseconds."""
    if not isinstance(reply, bytes):
        return None
    milliseconds, _, _ = reply.partition(b"-")
    return float(milliseconds) if milliseconds.isdigit() else None  # of bytes: ASCII digits alone


def entry_milliseconds(reply: Reply) -> float | None:
    """Return the same of an entry or a pending entry, whose first item is the id; None where there is none."""
    return id_milliseconds(reply[0]) if isinstance(reply, list) and reply else None
