"""Links from other resources to the traces that are kept."""

from sidecar.api.json.openapi import PREFIX
from sidecar.codec.peer.ids import trace_id_of_hex
from sidecar.spans.traces.store import TraceStore


class TraceLinks:
    """Knows which traces can be looked at."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    def path_of(self, trace_id: str) -> str | None:
        """Return the path of the trace with this id, in hex; None if it is not kept."""
        return f"{PREFIX}/traces/{trace_id}" if trace_id_of_hex(trace_id) in self._store.kept.traces else None
