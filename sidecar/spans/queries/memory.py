"""All that is kept about queries, as long as the process lives."""

from collections.abc import Callable

from sidecar.redaction.long_text import beginning
from sidecar.redaction.telemetry import LABEL_LENGTH, Redactor
from sidecar.spans.queries.config import QueriesConfig
from sidecar.spans.queries.evidence import Evidence
from sidecar.spans.queries.findings import Findings
from sidecar.spans.queries.statistics import QueryStatistics, SlowCall

_REMEMBERED_NAMES = 4096


TellSlow = Callable[[SlowCall], None]
"""Is told each slow call, and must be quick."""


class QueryMemory:
    """Statistics and findings, and the settings and the masking that those keep to who fill them."""

    def __init__(
        self,
        config: QueriesConfig,
        redactor: Redactor,
        tell_slow: TellSlow = lambda call: None,
        evidence: Evidence | None = None,
    ) -> None:
        self.config = config
        self.tell_slow = tell_slow
        self.statistics = QueryStatistics(config)
        self.findings = Findings(config.n_plus_one.max_findings, evidence)
        self.redactor = redactor
        self._shown: dict[str, str] = {}

    def configure(self, config: QueriesConfig) -> None:
        """Take other settings."""
        self.config = config
        self._shown.clear()
        self.statistics.configure(config)
        self.findings.configure(config.n_plus_one.max_findings)

    def shown(self, name: str) -> str:
        """Return the name of a span or route as it may be kept."""
        found = self._shown.get(name)
        if found is None:
            if len(self._shown) >= _REMEMBERED_NAMES:
                self._shown.clear()
            found = self._shown[name] = self.redactor.label(beginning(name, 2 * LABEL_LENGTH - 1))
        return found
