"""What a kind of check is, and what it may be made of beside its own configuration."""

from dataclasses import dataclass
from typing import Protocol

from sidecar.model.health import Health
from sidecar.promql.ast import Expr
from sidecar.promql.result import Result
from sidecar.runtime.clock import Clock


class Check(Protocol):
    """One kind of check."""

    async def check(self) -> Health:
        """Ask once; may be cancelled at any time by the runner's deadline. An exception is a failed check."""
        ...


class Query(Protocol):
    """Asks the head by PromQL; what is wrong with a query is a QueryError."""

    async def parse(self, text: str, /) -> Expr:
        """Return the syntax tree of `text`."""
        ...

    async def instant(self, expr: Expr, time_ms: int, /) -> Result:
        """Return the value of `expr` at a Unix time in milliseconds."""
        ...


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What the process lends to its checks."""

    clock: Clock
    query: Query
