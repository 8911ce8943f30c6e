"""Probe answers in the text format of the Kubernetes API server.

The status code is the answer; the body is short. `?verbose` lists the checks, `?exclude=NAME` (repeatable) leaves one
out, `/readyz/NAME` answers for one alone. Reasons are told to who asks over loopback, as kubectl port-forward does, and
withheld from others: anyone who reaches the pod may ask.
"""

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
"""Not all of 127.0.0.0/8: proxies beside the app bring requests of strangers from other addresses there."""

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class LineLike(Protocol):
    """One check's part in a verdict."""

    @property
    def check(self) -> str:
        """Name of the check."""
        ...

    @property
    def ok(self) -> bool:
        """Whether it is good."""
        ...

    @property
    def reason(self) -> str:
        """Why it is not good, in one line."""
        ...


class VerdictLike(Protocol):
    """The answer to one probe."""

    @property
    def lines(self) -> Sequence[LineLike]:
        """What the answer is made of."""
        ...


def probe_response(verdict: VerdictLike, request: web.BaseRequest, only: str = "") -> web.Response:
    """Return 200 or 503 for `verdict`, or for its check `only`; 404 when there is no such check."""
    lines = [line for line in verdict.lines if not only or line.check == only]
    if not lines:
        return web.Response(status=404, headers=HEADERS, text=f"no check `{only[:64]}`\n")
    if not request.query_string:
        ok = all(line.ok for line in lines)
        return web.Response(status=200 if ok else 503, headers=HEADERS, text="ok\n" if ok else "failed\n")
    return _detailed(lines, request)


def _detailed(lines: Sequence[LineLike], request: web.BaseRequest) -> web.Response:
    excluded = set(request.query.getall("exclude", []))
    ok = all(line.ok or line.check in excluded for line in lines)
    if ok and "verbose" not in request.query:
        return web.Response(headers=HEADERS, text="ok\n")
    tells = request.remote in LOOPBACK
    words = [_line_text(line, line.check in excluded, tells) for line in lines]
    path = request.path.strip("/")
    return web.Response(
        status=200 if ok else 503,
        headers=HEADERS,
        text="".join(f"{word}\n" for word in words) + f"{path} check {'passed' if ok else 'failed'}\n",
    )


def _line_text(line: LineLike, excluded: bool, tells: bool) -> str:
    if excluded:
        return f"[+]{line.check} excluded: ok"
    return (
        f"[+]{line.check} ok" if line.ok else f"[-]{line.check} failed: {line.reason if tells else 'reason withheld'}"
    )
