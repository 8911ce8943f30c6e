"""GET /probe?target=NAME: what one target had at its last scrape, as its own exporter would show it.

A request chooses a configured name and nothing else, and never scrapes: at most it waits for the very first scrape.
"""

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from aiohttp import web

from sidecar.api.metrics import Exposition, metrics_response
from sidecar.api.probes.answers import HEADERS
from sidecar.codec.peer.numbers import number_of
from sidecar.model.errors import SidecarError
from sidecar.model.target import TargetName

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
MARGIN_SECONDS = 0.5
"""Left of the scraper's timeout for the answer to travel."""
MOST_WAITING = 64
"""A quarter of the pod listener's connections: the kubelet must get through to the others."""

_PARAMETER = re.compile(r"[A-Za-z_][\w.-]{0,39}", re.ASCII)


class Targets(Protocol):
    """Where the pages come from; a target is called `kind/name`."""

    @property
    def timeouts(self) -> Mapping[str, float]:
        """The configured targets, and how many seconds a scrape of each may take."""
        ...

    async def first_scrape(self, target: str, /) -> None:
        """Return when `target` has been scraped or is not configured any more."""
        ...

    async def page(self, target: str, /) -> Exposition | None:
        """Return the page of the last scrape; None when there was none yet."""
        ...


class _RefusedError(SidecarError):
    """There is no page to answer with; the message is for whoever wrote the scrape configuration."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TargetHandler:
    """Answers /probe; `failed` is called for each request that gets no page."""

    def __init__(self, targets: Targets, failed: Callable[[], None]) -> None:
        self._targets = targets
        self._failed = failed
        self._waiting = 0

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Return the page, or 400, 404 or 503 and why."""
        try:
            target = _configured(_asked_for(request), self._targets.timeouts)
            page = await self._page(target, _patience(request, self._targets.timeouts[target]))
        except _RefusedError as refused:
            self._failed()
            return web.Response(status=refused.status, headers=HEADERS, text=f"{refused}\n")
        return await metrics_response(page, request)

    async def _page(self, target: str, seconds: float) -> Exposition:
        page = await self._targets.page(target)
        if page is None:
            await self._first_scrape(target, seconds)
            page = await self._targets.page(target)
        if page is None:
            raise _RefusedError(404, f"`{target}` is not configured any more")
        return page

    async def _first_scrape(self, target: str, seconds: float) -> None:
        if self._waiting >= MOST_WAITING:
            raise _RefusedError(503, "too many requests wait for a first scrape")
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._targets.first_scrape(target)
        except TimeoutError:
            raise _RefusedError(503, f"the first scrape of `{target}` has not ended yet") from None
        finally:
            self._waiting -= 1


def _asked_for(request: web.BaseRequest) -> str:
    """Return the one target that `request` names; other parameters are refused, not passed over in silence."""
    for name in request.query:
        if name != "target":
            shown = f"`{name}`" if _PARAMETER.fullmatch(name) else "other than `target`"
            raise _RefusedError(400, f"there is no parameter {shown}: what is scraped, and how, is configured")
    names = request.query.getall("target", [])
    if len(names) != 1 or not names[0]:
        raise _RefusedError(400, "say which target: /probe?target=NAME")
    return names[0]


def _configured(name: str, targets: Mapping[str, float]) -> str:
    """Return the target that `name` means. The name is not said back: it may be a URL with a password."""
    found = [target for target in targets if name in {target, TargetName.parse(target).name}]
    if not found:
        known = f"there are: {', '.join(sorted(targets))}" if targets else "there are none"
        raise _RefusedError(404, f"no target of that name is configured; {known}")
    if len(found) > 1:
        raise _RefusedError(400, f"several targets have that name, say which: {', '.join(sorted(found))}")
    return found[0]


def _patience(request: web.BaseRequest, timeout_seconds: float) -> float:
    """Return how long the scraper can wait; `timeout_seconds` when it does not say so."""
    seconds = number_of(request.headers.get(TIMEOUT_HEADER, "").strip())
    if seconds is None or not 0 < seconds < math.inf:
        return timeout_seconds
    return max(seconds - MARGIN_SECONDS, 0.0)
