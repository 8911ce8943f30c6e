"""A query: what calls have in common that differ only in values."""

from dataclasses import dataclass, field

from sidecar.fingerprint.digest import digest
from sidecar.fingerprint.systems import CACHES

ROUTES = 20
"""Routes that are remembered of a query; calls for further ones are counted as `(other)`."""
OTHER = "(other)"
STATEMENT_LENGTH = 4000

UNKNOWN = frozenset(("", "(none)", "(not read)"))
"""What stands for statements that nothing is known of: many different ones may be behind it."""

BATCH = "BATCH"
"""What statements begin with of which several were sent at once."""
_NO_REPETITION = (
    {BATCH, "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "END", "ABORT", "SET", "RESET", "SHOW"}
    | {"USE", "PREPARE", "DEALLOCATE", "DISCARD", "CLOSE", "LISTEN", "UNLISTEN", "EXPLAIN", "CONNECT", "PING", "LOCK"}
)  # fmt: skip
"""First words of statements that manage a connection or transaction: who repeats them asks nothing twice."""
_NO_REPETITION_CACHE = (
    {BATCH, "AUTH", "HELLO", "PING", "SELECT", "CLIENT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "CONNECT"}
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Query:
    """A query of a service; `statement` has no values. `row` is its place in the statistics, -1 when it left them."""

    service: str
    system: str
    statement: str
    row: int
    by_driver: bool = False
    """Whether the driver sent it of itself, to check a connection and the like."""
    fingerprint: str = field(init=False)
    is_cache: bool = field(init=False)
    may_repeat: bool = field(init=False)
    """Whether asking it once per row would be an N+1."""
    routes: dict[str, int] = field(default_factory=dict)
    """How many calls were made for which request."""
    slow_trace_id: bytes = b""
    """The trace of the latest slow call."""

    def __post_init__(self) -> None:
        self.fingerprint = digest([self.service, self.system, self.statement])
        self.is_cache = self.system in CACHES
        words = self.statement.split(maxsplit=1)
        word = words[0].rstrip(";").upper() if words else BATCH
        is_pipeline = self.is_cache and ";" in self.statement
        no_repetition = _NO_REPETITION_CACHE if self.is_cache else _NO_REPETITION
        is_known = self.statement not in UNKNOWN
        self.may_repeat = is_known and word not in no_repetition and not is_pipeline and not self.by_driver

    def called_for(self, route: str, calls: int) -> None:
        """Take note of `calls` that were made for the request `route`."""
        if route not in self.routes and len(self.routes) >= ROUTES:
            route = OTHER
        self.routes[route] = self.routes.get(route, 0) + calls
