"""What a function sees of the evaluation it runs in."""

from typing import Protocol

from sidecar.model.series import Floats, Ints
from sidecar.promql.ast import Expr
from sidecar.promql.value import StepVector
from sidecar.promql.windows import RangeVector


class Scope(Protocol):
    """Evaluates arguments; each method may raise QueryError."""

    times: Ints
    """The steps, in Unix milliseconds."""

    def limit(self, samples: int, /) -> None:
        """Raise QueryError when this many samples more would be too many, or when the evaluation is to end.

        To be called before the memory is taken, and now and then in long work.
        """
        ...

    def vector(self, expr: Expr, /) -> StepVector:
        """Return the instant vector `expr`."""
        ...

    def scalar(self, expr: Expr, /) -> Floats:
        """Return the scalar `expr` at each step."""
        ...

    def string(self, expr: Expr, /) -> str:
        """Return the string `expr`."""
        ...

    def range_vector(self, expr: Expr, /) -> RangeVector:
        """Return the range vector `expr`."""
        ...

    def sample_times(self, expr: Expr, /) -> StepVector:
        """Return the instant vector `expr` with times in seconds as values: the samples' own for a selector."""
        ...
