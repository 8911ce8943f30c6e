"""The three kinds of telemetry, and what each is called in the protocol."""

from typing import NamedTuple


class Signal(NamedTuple):
    """A signal: where and as what it is received."""

    name: str
    items: str
    """What its batches consist of, as metric names and messages say it."""
    service: str
    """Its gRPC service."""
    rejected: str
    """The field of ExportPartialSuccess that counts items which were not taken, in JSON."""

    @property
    def path(self) -> str:
        """Where it is sent over HTTP."""
        return f"/v1/{self.name}"

    @property
    def method(self) -> str:
        """Where it is sent over gRPC."""
        return f"/{self.service}/Export"


_COLLECTOR = "opentelemetry.proto.collector"

TRACES = Signal("traces", "spans", f"{_COLLECTOR}.trace.v1.TraceService", "rejectedSpans")
METRICS = Signal("metrics", "data_points", f"{_COLLECTOR}.metrics.v1.MetricsService", "rejectedDataPoints")
LOGS = Signal("logs", "log_records", f"{_COLLECTOR}.logs.v1.LogsService", "rejectedLogRecords")

SIGNALS = (TRACES, METRICS, LOGS)
