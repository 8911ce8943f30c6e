"""Where scraped samples go: to the pages that /metrics and /probe show, and to the head."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from sidecar.model.family import FamilySamples
from sidecar.model.labels import EMPTY
from sidecar.model.sample import SampleBatch, in_parts, labelled
from sidecar.model.steps import Steps
from sidecar.runtime.clock import Clock
from sidecar.runtime.pages import Pages
from sidecar.runtime.publish.merge import Apart, Guest
from sidecar.runtime.target_pages import TargetPages
from sidecar.runtime.turns import in_turns
from sidecar.tsdb.head import Head


class Publisher:
    """Sink of scraped batches, one after the other and each in steps: other work runs meanwhile, other batches wait.

    A batch changes /metrics as a whole, and then the head as a whole. Cancelled, it changes neither or only /metrics.
    """

    def __init__(self, pages: Pages, targets: TargetPages, head: Head, clock: Clock) -> None:
        self._pages = pages
        self._targets = targets
        self._head = head
        self._clock = clock
        self._guests: dict[str, Guest] = {}
        self._one_at_a_time = asyncio.Lock()

    def admit(self, source: str, guest: Guest) -> None:
        """Let `guest` decide what becomes of the batches of `source`, until that ends."""
        self._guests[source] = guest

    async def publish(self, batch: SampleBatch, /) -> None:
        """Do what `accept_in_steps` does, when it is the turn of `batch`."""
        async with self._one_at_a_time:
            await in_turns(self.accept_in_steps(batch), self._clock)

    def accept_in_steps(self, batch: SampleBatch) -> Steps[int]:
        """Show `batch` on /metrics and on the target's own page, keep it in the head; return what that refused."""
        self._targets.put(batch.source, batch.families, batch.error)
        guest = self._guests.get(batch.source)
        if guest is None:
            families = yield from self._show(batch)
        else:
            families = yield from self._show_guest(batch, guest)
        return (yield from self._head.accept_in_steps(replace(batch, families=families, extra=EMPTY)))

    def end(self, source: str, time_ms: int) -> None:
        """Forget `source`: off the pages at once, stale in the head."""
        self._guests.pop(source, None)
        self._targets.end(source)
        self._pages.remove(source)
        self._head.end(source, time_ms)

    def _show_guest(self, batch: SampleBatch, guest: Guest) -> Steps[Sequence[FamilySamples]]:
        apart = yield from guest.set_apart(batch, self._pages.types(batch.source))
        yield from self._pages.put_in_steps(batch.source, guest.page(apart))
        guest.shown = apart
        return apart.families

    def _show(self, batch: SampleBatch) -> Steps[Sequence[FamilySamples]]:
        """Show `batch`, and in the same step guests anew whose families become somebody else's or theirs alone."""
        families = yield from _labelled(batch)
        pages: dict[str, Sequence[FamilySamples]] = {batch.source: families}
        making_way: list[tuple[Guest, Apart]] = []
        own = {given.family.name: given.family.type for given in families if given.samples}
        for name, guest in self._guests.items():
            apart = yield from guest.make_way(self._pages.types(name, batch.source) | own)
            if apart is not None:
                making_way.append((guest, apart))
                pages[name] = guest.page(apart)
        yield from self._pages.put_together(pages)
        for guest, apart in making_way:
            guest.shown = apart
        return families


def _labelled(batch: SampleBatch) -> Steps[list[FamilySamples]]:
    """Return the families of `batch` in parts, with its extra labels."""
    families = []
    for part in in_parts(batch.families):
        families.append(labelled(part, batch.extra))
        yield
    return families
