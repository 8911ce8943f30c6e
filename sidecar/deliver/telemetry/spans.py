"""Our spans as spans of the OpenTelemetry SDK."""

from collections.abc import Mapping
from typing import Self

from opentelemetry.context import Context
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import Span as ApiSpan
from opentelemetry.trace import SpanKind as ApiSpanKind
from opentelemetry.trace import Status, StatusCode, Tracer

from sidecar.model.redact import redact
from sidecar.model.span import SpanKind
from sidecar.runtime.clock import Clock
from sidecar.runtime.tracing import Value

REASON_CHARACTERS = 500


class SdkTracing:
    """Tracing by `tracer`. Each span is the root of a trace: our pieces of work do not contain each other."""

    def __init__(self, tracer: Tracer, clock: Clock) -> None:
        self._tracer = tracer
        self._clock = clock

    def span(self, name: str, kind: SpanKind, attributes: Mapping[str, Value], /) -> "SdkSpan":
        """Return a span that is sent when the block ends, unless that is because it was cancelled."""
        began_at = self._clock.now()
        span = self._tracer.start_span(
            name, Context(), ApiSpanKind[kind.name], dict(attributes), start_time=_nanoseconds(began_at)
        )
        return SdkSpan(span, began_at, self._clock)


class SdkSpan:
    """A span of the SDK; it ends by the clock that is never set back."""

    def __init__(self, span: ApiSpan, began_at: float, clock: Clock) -> None:
        self._span = span
        self._began_at = began_at
        self._clock = clock
        self._began = clock.monotonic()

    def note(self, attributes: Mapping[str, Value], /) -> None:
        """Add `attributes`."""
        self._span.set_attributes(dict(attributes))

    def fail(self, kind: str, reason: str, /) -> None:
        """Mark it as failed; credentials in `reason` are left out."""
        self._span.set_attribute(ERROR_TYPE, kind)
        self._span.set_status(Status(StatusCode.ERROR, redact(reason)[:REASON_CHARACTERS]))

    def __enter__(self) -> Self:
        """Go on."""
        return self

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        """End the span; one that is never ended is never sent."""
        if isinstance(error, Exception):
            self.fail(type(error).__name__, str(error))
        if error is None or isinstance(error, Exception):
            self._span.end(_nanoseconds(self._began_at + self._clock.monotonic() - self._began))


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
