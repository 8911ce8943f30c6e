"""Which Host a request to a loopback listener may name: a web site that points its own name there is refused."""

from aiohttp import hdrs, web

from sidecar.model.address import Address


def is_ours(request: web.BaseRequest, listen: Address) -> bool:
    """Whether `request` names the host that we listen on, or loopback."""
    return _name(request.headers.get(hdrs.HOST, "")) in {"localhost", "127.0.0.1", "::1", listen.host.lower()}


def _name(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()
