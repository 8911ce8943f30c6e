"""Web pages that send telemetry: which origins a browser may let do so."""

from collections.abc import Collection, Mapping

from aiohttp import web

_ANY = "*"
_PREFLIGHT_SECONDS = 3600


class Cors:
    """Decides by a list of origins, of which `*` means any; by default no page may send."""

    def __init__(self, allowed_origins: Collection[str]) -> None:
        self._allowed = frozenset(origin.rstrip("/") for origin in allowed_origins)

    def headers(self, request: web.BaseRequest) -> Mapping[str, str]:
        """Return what an answer must say so that the page of an allowed origin may read it; else nothing."""
        origin = request.headers.get("Origin", "")
        if not origin or not self._allowed.intersection((origin, _ANY)):
            return {}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

    def preflight(self, request: web.BaseRequest) -> web.Response | None:
        """Return the answer to a browser that asks beforehand on behalf of an allowed origin; None for all others."""
        headers = self.headers(request)
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers or not headers:
            return None
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "Content-Type"),
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
        return web.Response(status=204, headers={**headers, **allowed})
