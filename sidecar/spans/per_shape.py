"""What is known of each shape, found out once."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.spans.shape import ObservedSpans, SpanShape

ScalarT = TypeVar("ScalarT", bound=np.generic)


class PerShape(Generic[ScalarT]):
    """A column with a value for each of the `shapes` of the batches that came; other shapes begin another column."""

    def __init__(self, value_of: Callable[[SpanShape], object], dtype: type[ScalarT]) -> None:
        self._value_of = value_of
        self._dtype = dtype
        self.shapes: Sequence[SpanShape] = ()
        self.column: NDArray[ScalarT] = np.empty(0, dtype)

    def of(self, spans: ObservedSpans) -> NDArray[ScalarT]:
        """Return the column for the shapes of a batch, after a look at those that are new."""
        if spans.shapes is not self.shapes:
            self.shapes, self.column = spans.shapes, np.empty(0, self._dtype)
        new = self.shapes[len(self.column) :]
        if new:
            values = np.array([self._value_of(shape) for shape in new], self._dtype)
            self.column = np.concatenate([self.column, values])
        return self.column
