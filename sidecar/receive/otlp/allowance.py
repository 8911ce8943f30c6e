"""What all receivers may hold at once."""

from sidecar.receive.otlp.refusal import OverloadedError


class Allowance:
    """Bytes and requests that may be held at once, by all connections together."""

    def __init__(self, max_bytes: int, max_requests: int) -> None:
        self._free_bytes = max_bytes
        self._free_requests = max_requests

    def enter(self) -> "Held":
        """Return a new request's share, empty yet; raise OverloadedError when there are too many requests."""
        if not self._free_requests:
            raise OverloadedError("too many requests at once")
        self._free_requests -= 1
        return Held(self)

    def take(self, count: int) -> None:
        """Take `count` bytes; raise OverloadedError when they are not there."""
        if count > self._free_bytes:
            raise OverloadedError("too many bytes in requests that are being worked on")
        self._free_bytes -= count

    def leave(self, count: int) -> None:
        """Give back a request and its `count` bytes."""
        self._free_bytes += count
        self._free_requests += 1


class Held:
    """What one request holds of an Allowance; leaving the block gives it back."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self.bytes = 0

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *_: object) -> None:
        self._allowance.leave(self.bytes)

    def add(self, count: int) -> None:
        """Hold `count` more bytes; raise OverloadedError when they are not there."""
        self._allowance.take(count)
        self.bytes += count
