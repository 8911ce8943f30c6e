"""How the SDK's exporters speak HTTP: within the same server, and without reading more than an answer is worth."""

from collections.abc import Callable
from typing import Any

from requests import Response, Session
from typing_extensions import override

from sidecar.codec.peer.redirect import STATUSES, redirected_url
from sidecar.model.errors import TargetError

ANSWER_BYTES = 64 * 1024
"""What is read of an answer; the SDK looks at the status alone."""


class OwnServerSession(Session):
    """A session without the proxies and the passwords (.netrc) of the environment.

    A redirect by 307 or 308 to the same scheme, host and port is followed once, with everything that was sent, and
    `redirected` is called; every other one is an error: the SDK would take it for success.
    """

    def __init__(self, redirected: Callable[[], None]) -> None:
        super().__init__()
        self.trust_env = False
        self._redirected = redirected

    @override
    def get_redirect_target(self, resp: Response) -> str | None:
        """Return None: what requests does with a redirect, even one it does not follow, is to read all of its body."""
        return None

    @override
    def request(self, method: str, url: str | bytes, *args: Any, **options: Any) -> Response:
        """Send one request and return the answer, whose body is read and cut; raise TargetError for a redirect."""
        options |= {"allow_redirects": False, "stream": True}
        answer = _read(super().request(method, url, *args, **options))
        if answer.status_code not in STATUSES:
            return answer
        target = redirected_url(str(url), answer.status_code, answer.headers.get("Location", ""))
        self._redirected()
        answer = _read(super().request(method, target, *args, **options))
        if answer.status_code in STATUSES:
            raise TargetError(f"status {answer.status_code}, a redirect behind a redirect: only one is followed")
        return answer


def _read(answer: Response) -> Response:
    """Return `answer` with the start of its body, as it came; the connection is kept if that is all of it."""
    body = answer.raw.read(ANSWER_BYTES, decode_content=False)
    answer._content = body
    answer._content_consumed = True  # what `content` looks at
    if len(body) == ANSWER_BYTES:
        answer.close()
    return answer
