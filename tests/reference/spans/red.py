"""How many spans there were and how long they took, by what each metric tells them apart by."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.reference.spans.sent import CALLED, CLIENT, SERVED, SERVER, Sent
from tests.reference.spans.series import OVERFLOWED, Labels, LimitedSeries, labels_of

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("UNSET", "OK", "ERROR")
QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
WINDOWS = {"1m": (60, 10), "5m": (300, 30), "1h": (3600, 300), "24h": (86_400, 3600)}
"""How many seconds each window is, and how many each of its slices, which leave whole."""


class Metric(NamedTuple):
    """A counter, if it has one, and a histogram of the spans that have labels."""

    calls: str | None
    durations: str
    service_label: str
    labels_of: Callable[[Sent], Mapping[str, str] | None]


def _span(sent: Sent) -> Mapping[str, str]:
    shape = sent.shape
    kind, status = f"SPAN_KIND_{KINDS[shape.kind]}", f"STATUS_CODE_{STATUSES[shape.status]}"
    return {"span_name": shape.name, "span_kind": kind, "status_code": status}


def _http_server(sent: Sent) -> Mapping[str, str] | None:
    http = sent.shape.http if sent.kind == SERVER else None
    return http and {"route": sent.shape.route, "method": http.method, "status_class": http.status_class}


def _http_client(sent: Sent) -> Mapping[str, str] | None:
    http = sent.shape.http if sent.kind == CLIENT and not sent.shape.database else None
    return http and {"peer": http.peer, "method": http.method, "status_class": http.status_class}


def _database(sent: Sent) -> Mapping[str, str] | None:
    call = sent.shape.database if sent.kind == CLIENT else None
    return call and call._asdict()


def _waits(sent: Sent) -> Mapping[str, str] | None:
    connection = sent.shape.connection if sent.kind == CLIENT else None
    return {"system": connection.system} if connection and connection.acquires else None


def _creates(sent: Sent) -> Mapping[str, str] | None:
    connection = sent.shape.connection if sent.kind == CLIENT else None
    return {"system": connection.system} if connection and not connection.acquires else None


def _messaging(sent: Sent) -> Mapping[str, str] | None:
    return sent.shape.messaging and sent.shape.messaging._asdict()


METRICS = (
    Metric("traces_span_metrics_calls_total", "traces_span_metrics_duration_seconds", "service_name", _span),
    *(
        Metric(f"sidecar_{calls}_total", f"sidecar_{durations}_duration_seconds", "service", labels)
        for calls, durations, labels in (
            ("http_server_requests", "http_server_request", _http_server),
            ("http_client_requests", "http_client_request", _http_client),
            ("db_client_operations", "db_client_operation", _database),
            ("messaging_operations", "messaging_operation", _messaging),
        )
    ),
    Metric(None, "sidecar_db_client_connection_wait_seconds", "service", _waits),
    Metric(None, "sidecar_db_client_connection_create_seconds", "service", _creates),
)


class Durations:
    """The counter and the histogram of a metric."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._limits = LimitedSeries(metric.service_label)
        self._spans: dict[Labels, list[Sent]] = {}

    def add(self, sent: Sent) -> None:
        labels = self._metric.labels_of(sent)
        if labels is not None:
            place = self._limits.place_of(sent.service, labels, sent.weight)
            self._spans.setdefault(place, []).append(sent)

    def buckets(self) -> Iterator[tuple[tuple[str, Labels], list[Sent]]]:
        """Yield the spans of each bucket that has some, those of lower ones left out."""
        name, bounds = f"{self._metric.durations}_bucket", (*(f"{bound:g}" for bound in BOUNDS), "+Inf")
        for labels, spans in self._spans.items():
            for number, bound in enumerate(bounds):
                inside = [sent for sent in spans if bisect_left(BOUNDS, sent.seconds) == number]
                if inside:
                    yield (name, labels_of({**dict(labels), "le": bound})), inside

    def samples(self) -> Iterator[tuple[tuple[str, Labels], float]]:
        calls, durations = self._metric.calls, self._metric.durations
        for labels, spans in self._spans.items():
            in_bucket = [0.0] * (len(BOUNDS) + 1)
            for sent in spans:
                in_bucket[bisect_left(BOUNDS, sent.seconds)] += sent.weight  # what is equal to a bound is in its bucket
            total = sum(in_bucket)
            if calls:
                yield (calls, labels), total
            for number, bound in enumerate((*(f"{bound:g}" for bound in BOUNDS), "+Inf"), 1):
                yield (f"{durations}_bucket", labels_of({**dict(labels), "le": bound})), sum(in_bucket[:number])
            yield (f"{durations}_sum", labels), sum(sent.seconds * sent.weight for sent in spans)
            yield (f"{durations}_count", labels), total
        yield (OVERFLOWED, (("metric", calls or durations),)), self._limits.overflowed


class Quantiles(NamedTuple):
    """Which values a percentile may have: of the durations by rank, two where a rank is one by rounding only."""

    lowest: float
    highest: float


class Latency:
    """Exact percentiles of the durations that came within each window."""

    def __init__(self, name: str, labels: Callable[[Sent], Mapping[str, str] | None]) -> None:
        self._name, self._labels_of = name, labels
        self._limits = LimitedSeries()
        self._spans: dict[Labels, list[Sent]] = {}

    def add(self, sent: Sent) -> None:
        labels = self._labels_of(sent)
        if labels is not None:
            place = self._limits.place_of(sent.service, labels, sent.weight)
            self._spans.setdefault(place, []).append(sent)

    def quantiles(self, now: float) -> Iterator[tuple[tuple[str, Labels], Quantiles]]:
        for window, (seconds, slice_seconds) in WINDOWS.items():
            first_slice = now // slice_seconds - seconds // slice_seconds + 1
            for labels, spans in self._spans.items():
                recent = [sent for sent in spans if sent.received_at // slice_seconds >= first_slice]
                for ratio in QUANTILES if recent else ():
                    more = {"window": window, "quantile": str(ratio)}
                    yield (self._name, labels_of({**dict(labels), **more})), quantile(recent, ratio)

    def samples(self) -> Iterator[tuple[tuple[str, Labels], float]]:
        yield (OVERFLOWED, (("metric", self._name),)), self._limits.overflowed


def quantile(spans: Sequence[Sent], ratio: float) -> Quantiles:
    """Return the least duration that at least `ratio` of the spans do not exceed."""
    rank = ratio * sum(sent.weight for sent in spans)
    below, found = 0.0, list[float]()
    for sent in sorted(spans, key=lambda sent: sent.seconds):
        below += sent.weight
        if below >= rank * (1 - 1e-9):
            found.append(sent.seconds)
        if below >= rank * (1 + 1e-9):
            break
    return Quantiles(found[0], found[-1])


def endpoint_of(sent: Sent) -> Mapping[str, str] | None:
    """Return what tells endpoints apart; None for what is not served."""
    return {"method": sent.shape.method, "route": sent.shape.route} if sent.kind in SERVED else None


def dependency_of(sent: Sent) -> Mapping[str, str] | None:
    return {"span_name": sent.shape.name} if sent.kind in CALLED else None
