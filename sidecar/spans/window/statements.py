"""One statement is one call."""

import numpy as np

from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.rows import Places


def statements_of(due: DueSpans) -> Places:
    """Return the places of the spans that are calls to a database, each statement once.

    Where several instrumentations tell of one statement, as an ORM does and the driver that it calls, the innermost
    span is the call: a call that another one of the same service and system is below is none. What the driver sends of
    itself below a call does not make it none. Opening a connection and waiting for one of a pool are no calls.
    """
    rows = due.rows
    is_call = rows.is_call.copy()
    calls = is_call.nonzero()[0]
    around = due.nearest(is_call)[calls]
    has_outer = (around >= 0).nonzero()[0]
    for inner, outer in zip(calls[has_outer].tolist(), around[has_outer].tolist(), strict=True):
        query = rows.query[inner]
        same = query.system == rows.query[outer].system and rows.service[inner] == rows.service[outer]
        if same and not query.by_driver:
            is_call[outer] = False
    return is_call.nonzero()[0]


def callers_of(due: DueSpans, calls: Places) -> Places:
    """Return the place of the span that made each of `calls`, itself no call; NO where it is not there."""
    return due.nearest(np.logical_not(due.rows.is_call))[calls]
