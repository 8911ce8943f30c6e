"""Who may change something: no page of another site, and nobody unless `api.admin` is set."""

from aiohttp import web


class NotAllowedError(Exception):
    """A request may not change anything; `status` is the HTTP status that says so."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def check_may_change(request: web.BaseRequest, admin: bool) -> None:
    """Raise NotAllowedError unless `request` may change something.

    A page of another site can have a browser send a form, but neither JSON nor our own Origin.
    """
    if request.content_type != "application/json":
        raise NotAllowedError(415, "Content-Type must be application/json")
    origin = request.headers.get("Origin")
    foreign = origin is not None and origin.partition("://")[2] != request.headers.get("Host")
    if foreign or request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise NotAllowedError(403, "this must not come from a page of another site")
    if not admin:
        raise NotAllowedError(403, "changing anything is off; `api: {admin: true}` in the configuration turns it on")
