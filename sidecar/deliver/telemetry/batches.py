"""Ended spans on their way out: a bounded queue and the SDK's own thread behind it."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from typing_extensions import override

from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.deliver.telemetry.tally import Tally

BATCH_SPANS = 512
"""Most spans of one request, the SDK's own default."""


class BoundedBatches(SpanProcessor):
    """Gives ended spans to the SDK's batch processor as long as fewer than the capacity wait.

    The SDK counts no drop, so it never gets one span more than it has room for. Spans end on the event loop, are taken
    in the SDK's thread, and each side counts for itself.
    """

    def __init__(self, exporter: SpanExporter, config: TelemetryConfig, tally: Tally) -> None:
        self._tally = tally
        self._capacity = config.queue_capacity
        self._accepted = 0
        self._exporter = _CountingExporter(exporter, tally)
        self._batches = BatchSpanProcessor(
            self._exporter,
            max_queue_size=config.queue_capacity,
            schedule_delay_millis=config.export_interval_seconds * 1000,
            max_export_batch_size=min(BATCH_SPANS, config.queue_capacity),
        )
        self._closed = False

    def __len__(self) -> int:
        """Return how many spans wait."""
        return self._accepted - self._exporter.taken

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing: a span is of interest when it has ended."""

    @override
    def on_end(self, span: ReadableSpan) -> None:
        """Queue `span`, or drop it and count that."""
        if self._closed:
            self._tally.drop(1, "shutdown")
        elif len(self) >= self._capacity:
            self._tally.drop(1, "queue_full")
        else:
            self._accepted += 1
            self._batches.on_end(span)

    @override
    def shutdown(self) -> None:
        """Send what waits; may take as long as an export."""
        self._closed = True
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def give_up(self) -> None:
        """Send nothing any more; what waits is lost."""
        self._tally.drop(len(self), "shutdown")
        self._exporter.shutdown()


class _CountingExporter(SpanExporter):
    """An exporter whose outcomes are counted, and that may be shut down twice."""

    def __init__(self, exporter: SpanExporter, tally: Tally) -> None:
        self.taken = 0
        self._exporter = exporter
        self._tally = tally
        self._closed = False

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        if self._closed:
            return SpanExportResult.FAILURE  # counted when they were given up
        done = self._tally.export(len(spans), lambda: self._exporter.export(spans) is SpanExportResult.SUCCESS)
        return SpanExportResult.SUCCESS if done else SpanExportResult.FAILURE

    @override
    def shutdown(self) -> None:
        if not self._closed:
            self._closed = True
            self._exporter.shutdown()
