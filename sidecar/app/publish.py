"""Where scraped samples go: to the page that GET /metrics shows and to the head."""

from sidecar.model.sample import SampleBatch
from sidecar.runtime.pages import Pages
from sidecar.tsdb.head import Head


class Publisher:
    """Sink of scraped batches."""

    def __init__(self, pages: Pages, head: Head) -> None:
        self._pages = pages
        self._head = head

    def accept(self, batch: SampleBatch, /) -> int:
        """Show `batch` on /metrics and keep it in the head; return what the head refused."""
        labelled = batch.with_extra_labels()
        self._pages.put(labelled.source, labelled.families)
        return self._head.accept(labelled)

    def end(self, source: str, time_ms: int) -> None:
        """Forget `source`: off the page at once, stale in the head."""
        self._pages.remove(source)
        self._head.end(source, time_ms)
