"""Where scraped samples go: to the pages that /metrics and /probe show, and to the head."""

from sidecar.app.guest import Guest
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
        self._guests: dict[str, Guest] = {}

    def admit(self, source: str, guest: Guest) -> None:
        """Let `guest` decide what becomes of the batches of `source`, until that ends."""
        self._guests[source] = guest

    def accept(self, batch: SampleBatch, /) -> int:
        """Show `batch` on /metrics and on the target's own page, keep it in the head; return what that refused."""
        self._targets.put(batch.source, batch.families)
        guest = self._guests.get(batch.source)
        if guest is not None:
            labelled = guest.receive(batch, self._pages.types(batch.source))
            self._pages.put(batch.source, guest.page())
        else:
            labelled = batch.with_extra_labels()
            self._pages.put(batch.source, labelled.families)
            self._make_way()
        return self._head.accept(labelled)

    def end(self, source: str, time_ms: int) -> None:
        """Forget `source`: off the pages at once, stale in the head."""
        self._guests.pop(source, None)
        self._targets.end(source)
        self._pages.remove(source)
        self._head.end(source, time_ms)

    def _make_way(self) -> None:
        """Show guests anew whose families have become somebody else's too, or theirs alone."""
        for source, guest in self._guests.items():
            if guest.makes_way(self._pages.types(source)):
                self._pages.put(source, guest.page())
