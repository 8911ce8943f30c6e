"""What an OTLP metric of one resource and scope becomes: the family, and the labels of its series."""

from collections.abc import Sequence
from typing import Any

from sidecar.codec.otlp.attributes import resource_attributes, text_of
from sidecar.codec.otlp.runs import MOST_ATTRIBUTES
from sidecar.codec.otlp.schema import Scope, parse
from sidecar.codec.otlp.texts import attribute_texts
from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.names import family_name
from sidecar.metrics.refused import Refusal, Refused
from sidecar.metrics.series import Series
from sidecar.metrics.target import labels_from, target_of
from sidecar.model.family import Family, MetricType
from sidecar.model.labels import Labels, labels_of, with_target
from sidecar.model.metric import MetricHead, MetricKind, Temporality
from sidecar.model.redact import Redact

MOST_NAME_CHARACTERS = 255
"""The longest name that OpenTelemetry allows an instrument."""
_NO_NAME = f"has no letter or digit in its name, or over {MOST_NAME_CHARACTERS} characters"
_SHOWN_CHARACTERS = 100
_UNIT_CHARACTERS = 63
_HELP_CHARACTERS = 1024

_TYPES = {
    MetricKind.GAUGE: MetricType.GAUGE,
    MetricKind.SUM: MetricType.GAUGE,
    MetricKind.HISTOGRAM: MetricType.HISTOGRAM,
    MetricKind.EXPONENTIAL_HISTOGRAM: MetricType.HISTOGRAM,
    MetricKind.SUMMARY: MetricType.SUMMARY,
}
_OF_SAMPLES = {MetricType.HISTOGRAM: "le", MetricType.SUMMARY: "quantile"}


class Origin:
    """A resource and scope.

    `labels` are those of all series from there; they stand over those of a data point, `promoted` ones under them.
    Keys and what attributes say go through `redact`.
    """

    def __init__(self, resource: bytes, scope: bytes, config: OtlpMetricsConfig, redact: Redact) -> None:
        self.redact = redact
        attributes = self.texts(resource_attributes(resource)[:MOST_ATTRIBUTES])
        self.target = target_of(attributes, config.max_label_characters)
        self.promoted = labels_from({key: attributes.get(key, "") for key in config.promote_resource_attributes})
        self.labels = {**(self._scope_labels(scope) if config.scope_labels else {}), **dict(self.target.identity)}

    def texts(self, attributes: Sequence[bytes]) -> dict[str, str]:
        """Return attributes in wire form as texts, masked."""
        found = attribute_texts(attributes).items()
        return {self.name("attribute.key", key): self.redact(key, text) for key, text in found}

    def name(self, key: str, text: str) -> str:
        """Return what a sender calls something, masked under `key`."""
        return str(self.redact(key, text)) if text else ""

    def _scope_labels(self, scope: bytes) -> dict[str, str]:
        message = parse(Scope, scope, "InstrumentationScope")
        attributes = self.texts(list(message.attributes[:MOST_ATTRIBUTES]))
        labels = labels_from({f"otel_scope_{key}": value for key, value in attributes.items() if key})
        name, version = self.name("scope.name", text_of(message.name)), text_of(message.version)
        return {**labels, "otel_scope_name": name, "otel_scope_version": self.name("scope.version", version)}


class Stream:
    """A metric of one origin.

    `name` is what its sender calls it, to be shown, and `identity` stands for what it is of. `has_starts` says whether
    its values count since a start, `only_rises` whether they never fall. `refused` says why none of its data points can
    be taken, if so. `known` finds the series of a data point by its attributes as received.
    """

    def __init__(self, metric: MetricHead, origin: Origin, identity: int) -> None:
        name = origin.name("metric.name", text_of(metric.name))
        self.name = name[:_SHOWN_CHARACTERS]
        self.identity = identity
        self.kind = metric.kind
        self.only_rises = metric.kind not in (MetricKind.GAUGE, MetricKind.SUM) or metric.is_monotonic
        self.is_delta = metric.temporality == Temporality.DELTA
        self.has_starts = metric.kind is not MetricKind.GAUGE and not self.is_delta
        self.target = origin.target
        self.family = Family(
            family_name(name, origin.name("metric.unit", text_of(metric.unit))[:_UNIT_CHARACTERS], metric),
            MetricType.COUNTER if metric.kind is MetricKind.SUM and metric.is_monotonic else _TYPES[metric.kind],
            origin.name("metric.description", text_of(metric.description))[:_HELP_CHARACTERS],
        )
        self.refused = _refusal(metric)
        if not self.family.name or len(name) > MOST_NAME_CHARACTERS:
            self.refused = Refusal(Refused.NAME, _NO_NAME)
        self.known: dict[tuple[bytes, ...], Series[Any]] = {}
        self._origin = origin

    def labels_of(self, attributes: Sequence[bytes], most_characters: int) -> Labels | None:
        """Return the labels of the series of a data point; None if they are longer than `most_characters`.

        An attribute that has the name of another label keeps its value as `exported_`, as in a scrape of Prometheus.
        """
        origin = self._origin
        own = labels_of({**origin.promoted, **labels_from(origin.texts(attributes))})
        reserved = _OF_SAMPLES.get(self.family.type, "")
        taken = {**origin.labels, reserved: "of each bucket or quantile"} if reserved else origin.labels
        labels = tuple(pair for pair in with_target(own, labels_of(taken)) if pair[0] != reserved)
        return labels if sum(len(name) + len(value) for name, value in labels) <= most_characters else None


def _refusal(metric: MetricHead) -> Refusal | None:
    """Return why `metric` has no meaning in Prometheus; deltas of what may fall as well as rise have none."""
    if metric.kind in (MetricKind.GAUGE, MetricKind.SUMMARY) or metric.temporality == Temporality.CUMULATIVE:
        return None
    adds_up = metric.kind is not MetricKind.SUM or metric.is_monotonic
    if metric.temporality != Temporality.DELTA:
        return Refusal(
            Refused.TEMPORALITY, "does not say whether its values count since the start or since the last one"
        )
    return None if adds_up else Refusal(Refused.TEMPORALITY, "has deltas of a sum that may fall, which do not add up")
