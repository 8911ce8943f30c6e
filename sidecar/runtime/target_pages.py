"""The last scrape of each target as a page of its own, encoded when somebody asks for it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from sidecar.model.family import FamilySamples
from sidecar.model.sample import in_parts
from sidecar.runtime.pages import Pages


class _LastScrape:
    """`families` are there until they are encoded, and then `page` is."""

    def __init__(self) -> None:
        self.finished = asyncio.Event()
        self.encoding = asyncio.Lock()
        self.families: Sequence[FamilySamples] | None = None
        self.page: Pages | None = None
        self.error = ""


class TargetPages:
    """Keeps what the last scrape of every target brought; a target is called `kind/name`, as its batches are.

    `timeouts` holds the configured targets and how many seconds a scrape of each may take.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.timeouts: Mapping[str, float] = {}
        self._monotonic = monotonic
        self._last: dict[str, _LastScrape] = {}

    def configure(self, timeouts: Mapping[str, float]) -> None:
        """Take the targets of a configuration that is in force now."""
        self.timeouts = timeouts

    def put(self, target: str, families: Sequence[FamilySamples], error: str = "") -> None:
        """Show `families` from now on, and wake whoever waits for the first scrape; `error` says what went wrong."""
        last = self._of(target)
        last.families, last.page, last.error = families, None, error
        last.finished.set()

    def end(self, target: str) -> None:
        """Forget `target`; whoever waits for it waits no longer."""
        last = self._last.pop(target, None)
        if last is not None:
            last.finished.set()

    def error_of(self, target: str) -> str:
        """Return what went wrong in the last scrape of `target`, empty if nothing did or there was none."""
        last = self._last.get(target)
        return last.error if last is not None else ""

    async def first_scrape(self, target: str) -> None:
        """Return when `target` has been scraped or has ended."""
        await self._of(target).finished.wait()

    async def page(self, target: str) -> Pages | None:
        """Return the page of the last scrape; None when there was none. It is encoded in steps, once for all."""
        last = self._last.get(target)
        if last is None:
            return None
        async with last.encoding:
            if last.families is not None:
                await self._encode(target, last, last.families)
            return last.page

    async def _encode(self, target: str, last: _LastScrape, families: Sequence[FamilySamples]) -> None:
        page = Pages(self._monotonic)
        for _ in page.put_in_steps(target, in_parts(families)):
            await asyncio.sleep(0)
        last.page = page
        if last.families is families:  # and no scrape has ended meanwhile
            last.families = None

    def _of(self, target: str) -> _LastScrape:
        return self._last.setdefault(target, _LastScrape())
