"""Traces that findings cite, which are kept as long."""

from typing import Protocol

from typing_extensions import override

CITED_SECONDS = 60.0
"""How long a finding cites a trace before it takes a later one: each costs to be kept."""


class Evidence(Protocol):
    """Who keeps traces."""

    def cite(self, trace_id: bytes) -> bool:
        """Keep this trace until it is released as often; False if it is not there any more."""
        ...

    def release(self, trace_id: bytes) -> None:
        """Take back that this trace is cited."""
        ...


class NoEvidence(Evidence):
    """Keeps none."""

    @override
    def cite(self, trace_id: bytes) -> bool:
        """Return False."""
        return False

    @override
    def release(self, trace_id: bytes) -> None:
        """Do nothing."""
