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
from sidecar.runtime.publish.merge import AppFamilies, Merged
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
        self._apps: dict[str, AppFamilies] = {}
        self._one_at_a_time = asyncio.Lock()

    def merge(self, source: str, app: AppFamilies) -> None:
        """Merge the batches of `source` with what others show as `app` does it, until that ends."""
        self._apps[source] = app

    async def publish(self, batch: SampleBatch, /) -> None:
        """Do what `accept_in_steps` does, when it is the turn of `batch`."""
        async with self._one_at_a_time:
            await in_turns(self.accept_in_steps(batch), self._clock)

    def accept_in_steps(self, batch: SampleBatch) -> Steps[int]:
        """Show `batch` on /metrics and on the target's own page, keep it in the head; return what that refused."""
        self._targets.put(batch.source, batch.families, batch.error)
        app = self._apps.get(batch.source)
        if app is None:
            families = yield from self._show(batch)
        else:
            families = yield from self._show_app(batch, app)
        return (yield from self._head.accept_in_steps(replace(batch, families=families, extra=EMPTY)))

    def end(self, source: str, time_ms: int) -> None:
        """Forget `source`: off the pages at once, stale in the head."""
        self._apps.pop(source, None)
        self._targets.end(source)
        self._pages.remove(source)
        self._head.end(source, time_ms)

    def _show_app(self, batch: SampleBatch, app: AppFamilies) -> Steps[Sequence[FamilySamples]]:
        merged = yield from app.merge(batch, self._pages.types(batch.source))
        yield from self._pages.put_in_steps(batch.source, app.page(merged))
        app.shown = merged
        return merged.families

    def _show(self, batch: SampleBatch) -> Steps[Sequence[FamilySamples]]:
        """Show `batch`, and in the same step anew each app that shares other families with others because of it."""
        families = yield from _labelled(batch)
        pages: dict[str, Sequence[FamilySamples]] = {batch.source: families}
        changed: list[tuple[AppFamilies, Merged]] = []
        own = {given.family.name: given.family.type for given in families if given.samples}
        for name, app in self._apps.items():
            merged = yield from app.merge_again(self._pages.types(name, batch.source) | own)
            if merged is not None:
                changed.append((app, merged))
                pages[name] = app.page(merged)
        yield from self._pages.put_together(pages)
        for app, merged in changed:
            app.shown = merged
        return families


def _labelled(batch: SampleBatch) -> Steps[list[FamilySamples]]:
    """Return the families of `batch` in parts, with its extra labels."""
    families = []
    for part in in_parts(batch.families):
        families.append(labelled(part, batch.extra))
        yield
    return families
