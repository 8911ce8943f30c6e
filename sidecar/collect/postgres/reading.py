"""From the rows of a view to its families: a row that cannot be read is left out, and costs no other."""

from collections.abc import Sequence

from sidecar.collect.postgres.view import Convert, Row, Server, View
from sidecar.collect.postgres.wire import NotSpelledError
from sidecar.model.family import FamilySamples

UNREADABLE = (ValueError, TypeError, ArithmeticError)
"""What a conversion raises for a value that is not what it should be."""


def read(view: View, rows: Sequence[Row], server: Server) -> Sequence[FamilySamples]:
    """Return what `view` makes of `rows`; those that it cannot read are left out, and noted in `server.notes`.

    Raises what the conversion raised if it can read none of them. A query of the operator's own notes its values
    itself.
    """
    try:
        return list(view.convert(rows, server))
    except UNREADABLE as error:
        if view.operators_own:
            raise
        readable = _readable(view.probe or view.convert, rows, server)
        if not readable:
            raise
        # Other messages quote the value.
        what = str(error) if isinstance(error, NotSpelledError) else f"a row that gives a {type(error).__name__}"
        server.notes.unreadable(what, len(rows) - len(readable))
        return list(view.convert(readable, server))


def _readable(convert: Convert, rows: Sequence[Row], server: Server) -> Sequence[Row]:
    """Return those of `rows` that `convert` takes, found by halves: there may be thousands, of which one is bad."""
    try:
        for _ in convert(rows, server):
            pass
    except UNREADABLE:
        half = len(rows) // 2
        parts = (rows[:half], rows[half:]) if half else ()
        return [row for part in parts for row in _readable(convert, part, server)]
    return rows
