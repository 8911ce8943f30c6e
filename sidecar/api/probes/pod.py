"""The pod listener's own route table: probes first, then the pages of metrics.

It opens before the rest of the process is imported, so until those are plugged in, their paths answer 503.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from sidecar.api.probes.answers import VerdictLike, probe_response

NO_STORE = {"Cache-Control": "no-store"}


class Probes(Protocol):
    """Where the verdicts come from."""

    def verdict_at(self, path: str) -> VerdictLike | None:
        """Return the answer to the probe at `path`, None when there is no probe there."""
        ...


Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class PodHandler:
    """Answers the pod listener's requests; methods other than GET and HEAD are refused."""

    def __init__(self, probes: Probes) -> None:
        self._metrics: Answer | None = None
        self._target: Answer | None = None
        self._probes = probes

    def plug_in(self, metrics: Answer, target: Answer) -> None:
        """Have `metrics` answer for /metrics from now on, and `target` for the page of one target."""
        self._metrics = metrics
        self._target = target

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer `request` from memory; only the page of a target may have to be waited for."""
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"}, text="method not allowed\n")
        verdict = self._probes.verdict_at(request.path)
        if verdict is not None:
            return probe_response(verdict, request)
        if request.path == "/metrics":
            return await _answer(self._metrics, request)
        if request.path in {"/probe", "/scrape"}:
            return await _answer(self._target, request)
        return self._one_check(request)

    def _one_check(self, request: web.BaseRequest) -> web.StreamResponse:
        group, _, check = request.path.rpartition("/")
        verdict = self._probes.verdict_at(group)
        if verdict is None or not check:
            return web.Response(status=404, text="not found: try /livez, /readyz, /startupz, /metrics or /probe\n")
        return probe_response(verdict, request, only=check)


async def _answer(answer: Answer | None, request: web.BaseRequest) -> web.StreamResponse:
    if answer is None:
        return web.Response(status=503, headers=NO_STORE, text="starting\n")
    return await answer(request)
