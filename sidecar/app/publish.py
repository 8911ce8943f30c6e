"""Where scraped samples go: to the pages that /metrics and /probe show, and to the head."""

from sidecar.model.sample import SampleBatch
from sidecar.runtime.pages import Pages
from sidecar.runtime.target_pages import TargetPages
from sidecar.tsdb.head import Head


class Publisher:
    """Sink of scraped batches."""

    def __init__(self, pages: Pages, targets: TargetPages, head: Head) -> None:
        self._pages = pages
        self._targets = targets
        self._head = head

    def accept(self, batch: SampleBatch, /) -> int:
        """Show `batch` on /metrics and on the target's own page, keep it in the head; return what that refused."""
        self._targets.put(batch.source, batch.families)
        labelled = batch.with_extra_labels()
        self._pages.put(labelled.source, labelled.families)
        return self._head.accept(labelled)

    def end(self, source: str, time_ms: int) -> None:
        """Forget `source`: off the pages at once, stale in the head."""
        self._targets.end(source)
        self._pages.remove(source)
        self._head.end(source, time_ms)
