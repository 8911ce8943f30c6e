"""Rate, errors and duration of every span name, under the names that dashboards for them know."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sidecar.model.family import Family, MetricType
from sidecar.spans import semconv
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.dimensions import with_dimensions
from sidecar.spans.durations import CountAndDurations, DurationMetrics
from sidecar.spans.shape import SpanShape
from sidecar.spans.stage import Stage

_LABELS = ("service_name", "span_name", "span_kind", "status_code")
_CALLS_HELP = "Spans, by name, kind and status."
_DURATION_HELP = "How long spans took, by name, kind and status."

CALLS = Family("traces_span_metrics_calls_total", MetricType.COUNTER, _CALLS_HELP, _LABELS)
DURATION = Family("traces_span_metrics_duration_seconds", MetricType.HISTOGRAM, _DURATION_HELP, _LABELS)
DURATION_MS = replace(DURATION, name="traces_span_metrics_duration_milliseconds")
_COLLECTOR_MS_BOUNDS = (2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000)
_NAMESPACE = "traces_span_metrics_"

_TEMPO_LABELS = ("service", *_LABELS[1:])
TEMPO_CALLS = Family("traces_spanmetrics_calls_total", MetricType.COUNTER, _CALLS_HELP, _TEMPO_LABELS)
TEMPO_LATENCY = Family(
    "traces_spanmetrics_latency", MetricType.HISTOGRAM, "How long spans took in seconds.", _TEMPO_LABELS
)
_TEMPO_BOUNDS = tuple(0.002 * 2**power for power in range(14))


def span_metrics(context: StageContext) -> Stage:
    """Return the stage."""
    config, budget = context.config, context.budget
    if config.names == "semconv":
        return semconv.semconv_metrics(config, budget)
    return DurationMetrics(_FAMILIES[config.names](config), with_dimensions(_labels, config.dimensions), config, budget)


def span_families(config: SpansConfig) -> tuple[Family, ...]:
    """Return the families that spans become under the configured names."""
    if config.names == "semconv":
        return semconv.FAMILIES
    families = _FAMILIES[config.names](config)
    return tuple(family for family in (families.calls, families.durations) if family is not None)


def _collector(config: SpansConfig) -> CountAndDurations:
    return CountAndDurations(_named(CALLS, config), _named(DURATION, config), "service_name")


def _collector_ms(config: SpansConfig) -> CountAndDurations:
    families = _named(CALLS, config), _named(DURATION_MS, config)
    return CountAndDurations(*families, "service_name", _COLLECTOR_MS_BOUNDS, unit_per_second=1000)


def _tempo(config: SpansConfig) -> CountAndDurations:
    return CountAndDurations(TEMPO_CALLS, TEMPO_LATENCY, "service", _TEMPO_BOUNDS)


_FAMILIES: Mapping[str, Callable[[SpansConfig], CountAndDurations]] = {
    "default": _collector,
    "collector_ms": _collector_ms,
    "tempo": _tempo,
}


def _named(family: Family, config: SpansConfig) -> Family:
    """Return `family` in the configured namespace."""
    prefix = f"{config.namespace.replace('.', '_')}_" if config.namespace else ""
    return replace(family, name=prefix + family.name.removeprefix(_NAMESPACE))


def _labels(shape: SpanShape) -> Mapping[str, str]:
    return {"span_name": shape.name, "span_kind": shape.kind.label, "status_code": shape.status.label}
