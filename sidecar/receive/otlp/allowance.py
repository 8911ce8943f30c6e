"""What all receivers may hold at once."""

from typing import NamedTuple

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

    def give_back(self, count: int) -> None:
        """Give back `count` bytes."""
        self._free_bytes += count

    def leave(self) -> None:
        """Give back a request."""
        self._free_requests += 1


class Held:
    """What one request holds of an Allowance; leaving the block gives it back."""

    def __init__(self, allowance: Allowance) -> None:
        self.bytes = 0
        self._allowance = allowance

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *_: object) -> None:
        self._allowance.give_back(self.bytes)
        self._allowance.leave()

    def add(self, count: int) -> None:
        """Hold `count` more bytes; raise OverloadedError when they are not there."""
        self._allowance.take(count)
        self.bytes += count

    def hand_over(self) -> "Share":
        """Return the bytes that are held, as what others hold from now on: they may outlive the request."""
        share = Share(self._allowance, self.bytes)
        self.bytes = 0
        return share


class Share(NamedTuple):
    """Bytes of an Allowance that are held until they are given back, once."""

    allowance: Allowance
    bytes: int

    def give_back(self) -> None:
        """Hold them no more."""
        self.allowance.give_back(self.bytes)
