"""Route groups: paths that belong together and speak one dialect, errors included.

A group's own handlers say what goes wrong in its words; `unmatched` gives it the word on paths that nothing is at, too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """A dialect of answers: whether a path that nothing is at would be of this group, and what to answer there."""

    name: str
    owns: Callable[[str], bool]
    refuse: Callable[[web.HTTPException], web.Response]


def unmatched(groups: Sequence[RouteGroup]) -> Middleware:
    """Return the middleware that answers for paths and methods without a handler, by the first group that owns them."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        error = request.match_info.http_exception
        if error is not None:
            for group in groups:
                if group.owns(request.path):
                    return group.refuse(error)
        return await handler(request)

    return middleware
