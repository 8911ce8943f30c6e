"""All receivers of something as one, so that its source need not know when one comes or goes."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from sidecar.model.sample import Sink

T = TypeVar("T")


class Receivers(Generic[T]):
    """Sink that gives each batch to every receiver there is at that moment."""

    def __init__(self) -> None:
        self._sinks: dict[str, Sink[T]] = {}

    def __len__(self) -> int:
        """Return how many receivers there are."""
        return len(self._sinks)

    @property
    def sinks(self) -> Sequence[Sink[T]]:
        """All of them."""
        return tuple(self._sinks.values())

    def add(self, name: str, sink: Sink[T]) -> None:
        """Send to `sink` from now on, instead of what had its name before."""
        self._sinks[name] = sink

    def remove(self, name: str) -> None:
        """Send to `name` no more."""
        self._sinks.pop(name, None)

    def accept(self, batch: T, /) -> int:
        """Give `batch` to every receiver; none of them waits or refuses."""
        return sum(sink.accept(batch) for sink in self._sinks.values())
