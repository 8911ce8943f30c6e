"""What is kept of spans beside metrics; it lives as long as the process, whatever the settings of stages become."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from sidecar.model.steps import Steps
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.error_groups.store import ErrorGroups
from sidecar.spans.queries.config import QueriesConfig
from sidecar.spans.queries.evidence import Evidence
from sidecar.spans.queries.memory import QueryMemory, TellSlow


class Waiting(Protocol):
    """Where spans wait until their trace is due."""

    @property
    def spans(self) -> int:
        """How many wait."""
        ...

    def tick(self, now: float) -> bool:
        """Judge some of the traces that are due at Unix time `now`; return whether there may be more."""
        ...

    def finish(self, now: float) -> bool:
        """Judge some of all traces; return whether there are more."""
        ...


class InsightSettings(NamedTuple):
    """The parts of the configuration that say what is kept."""

    errors: ErrorGroupsConfig = ErrorGroupsConfig()
    queries: QueriesConfig = QueriesConfig()


class Insights:
    """Errors and queries, masked by `redactor`.

    `link` is told the trace and the group of each error in a trace, `tell_slow` each slow query, and
    `evidence` keeps the traces that findings cite. All times are by the steady clock of whoever receives; `wall`
    makes Unix time of one.
    """

    def __init__(
        self,
        settings: InsightSettings | None = None,
        redactor: Redactor | None = None,
        link: Callable[[bytes, str], None] = lambda trace_id, group_id: None,
        tell_slow: TellSlow = lambda call: None,
        evidence: Evidence | None = None,
        wall: Callable[[float], float] = float,
    ) -> None:
        settings = settings or InsightSettings()
        self._windows: list[Waiting] = []
        self.redactor = redactor or Redactor(RedactConfig())
        self.wall = wall
        self.errors = ErrorGroups(settings.errors, self.redactor, link, wall)
        self.queries = QueryMemory(settings.queries, self.redactor, tell_slow, evidence)

    def await_of(self, window: "Waiting") -> None:
        """Let `look` ask `window` too; those asked before are asked as long as something waits in them."""
        self._windows = [*(one for one in self._windows[:-1] if one.spans), *self._windows[-1:], window]

    def look(self, now: float) -> bool:
        """Let some of the traces be judged that are due at Unix time `now`; return whether there may be more."""
        return any(window.tick(now) for window in self._windows)

    def catch_up(self, now: float) -> Steps[None]:
        """Let all traces be judged that are due at Unix time `now`, in steps of a few milliseconds."""
        while self.look(now):
            yield

    def finish(self, now: float) -> Steps[None]:
        """Let all traces be judged at Unix time `now`, as nothing more comes, in steps of a few milliseconds."""
        while any(window.finish(now) for window in self._windows):
            yield

    def configure(self, settings: InsightSettings) -> None:
        """Take other settings and keep what there is, as it was masked."""
        self.errors.configure(settings.errors)
        self.queries.configure(settings.queries)
