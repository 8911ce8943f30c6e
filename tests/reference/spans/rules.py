"""Which rules hold: those of the pipeline that is there, and those that the cases of real apps ask for."""

from typing import NamedTuple


class Rules(NamedTuple):
    """A flag for each rule that a case of real apps asks for and the pipeline does not keep yet.

    What it keeps is said where it is decided, by the same names of cases.
    """

    handled_traces: bool = False
    """N16: what fails within a request that is answered 4xx was handled, and makes its trace no failed one.

    The pipeline counts no error, but keeps the trace as failed: any failed span makes it so, by the documentation.
    """


PRESENT = Rules()
WHOLE_TRACES = Rules(*(True,) * len(Rules._fields))
