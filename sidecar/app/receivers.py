"""All receivers of alerts as one, so that rules need not know when one comes or goes."""

from collections.abc import Sequence

from sidecar.model.alert import Alert
from sidecar.model.sample import Sink


class Receivers:
    """Sink of alerts that gives each batch to every receiver there is at that moment."""

    def __init__(self) -> None:
        self._sinks: dict[str, Sink[Sequence[Alert]]] = {}

    def add(self, name: str, sink: Sink[Sequence[Alert]]) -> None:
        """Send to `sink` from now on, instead of what had its name before."""
        self._sinks[name] = sink

    def remove(self, name: str) -> None:
        """Send to `name` no more."""
        self._sinks.pop(name, None)

    def accept(self, batch: Sequence[Alert], /) -> int:
        """Give `batch` to every receiver; none of them waits or refuses."""
        return sum(sink.accept(batch) for sink in self._sinks.values())
