"""Which rules hold: those of the pipeline that is there, and those that look at whole traces."""

from typing import NamedTuple


class Rules(NamedTuple):
    """A flag for each rule that a case of real apps changes; the cases are named as in the collection of them."""

    errors_by_line: bool = False
    """O4, O21, N3, Y3, Y4: one failure is one error along a line of callers of one service, and nowhere else.

    Before: errors of one trace with the same type and message are one, wherever they happened, and each failed span
    without an exception is one more.
    """
    handled_below_4xx: bool = False
    """N16: what fails within a request that is answered 4xx, and is itself no call of another, was handled.

    Before: it is an error, and makes its trace a failed one.
    """
    innermost_calls: bool = False
    """N5, N6: a statement that a mapper's span and its driver's tell of is the driver's call, once."""
    repetition_by_root: bool = False
    """O11, N9: the calls of one query are those of a request, whoever below it made them.

    Before: those of one direct caller.
    """
    every_call_has_a_route: bool = False
    """N14: a query that is no repetition, such as BEGIN, tells for which requests it was asked as well."""
    calls_by_ancestor: bool = False
    """With O11: a database call belongs to the request that its callers lead up to.

    Before: to the latest request of its service in the trace. It still does where the callers do not lead anywhere.
    """
    allowance_by_arrival: bool = False
    """O24: which traces are kept does not depend on when somebody came to decide: each is due at its own time.

    Before: at the time of the decision.
    """


PRESENT = Rules()
WHOLE_TRACES = Rules(*(True,) * len(Rules._fields))
