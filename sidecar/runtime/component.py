"""What a running part of the process is."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from sidecar.model.address import Address


class Component(Protocol):
    """A part that runs until it is cancelled.

    `run` opens what it needs, calls `ready()` once and works until cancelled; it releases everything before it returns.
    Ready means listening or looping, not connected: a database that is down is a state to report, not a reason not to
    start. An exception before `ready` goes to whoever starts it; a later one, or an end that nobody asked for, is
    reported and `run` is called again. Constructors do no I/O. `name` is unique within its tier and stands in logs and
    labels.
    """

    name: str

    async def run(self, ready: Callable[[], None]) -> None:
        """Work until cancelled."""
        ...


@runtime_checkable
class Listening(Protocol):
    """A component that listens: at `address` once it is ready, the real one where a port of 0 asked for any."""

    address: Address


@runtime_checkable
class Settling(Protocol):
    """A component that holds something between two runs, such as what waits to be sent."""

    async def settle(self) -> None:
        """Bring to its end what is held: called when it is stopped and no `run` did so, because the last one failed."""
        ...
