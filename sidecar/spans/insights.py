"""What is kept of spans beside metrics; it lives as long as the process, whatever the settings of stages become."""

from typing import NamedTuple

from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.error_groups.store import ErrorGroups
from sidecar.spans.queries.config import QueriesConfig
from sidecar.spans.queries.memory import QueryMemory
from sidecar.spans.redaction.config import RedactConfig
from sidecar.spans.redaction.redactor import Redactor


class InsightSettings(NamedTuple):
    """The parts of the configuration that say what is kept."""

    errors: ErrorGroupsConfig = ErrorGroupsConfig()
    queries: QueriesConfig = QueriesConfig()
    redact: RedactConfig = RedactConfig()


class Insights:
    """Errors and queries, with secrets and personal data masked by `redactor`."""

    def __init__(self, settings: InsightSettings) -> None:
        self.redactor = Redactor(settings.redact)
        self.errors = ErrorGroups(settings.errors, self.redactor)
        self.queries = QueryMemory(settings.queries, self.redactor)

    def configure(self, settings: InsightSettings) -> None:
        """Take other settings and keep what there is, as it was masked."""
        self.redactor = Redactor(settings.redact)
        self.errors.configure(settings.errors, self.redactor)
        self.queries.configure(settings.queries, self.redactor)
