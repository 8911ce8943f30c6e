"""The trace store's own metrics: what is kept, and why the rest is not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import EMPTY


class Reason(StrEnum):
    """Why a trace is kept; the first that holds."""

    CITED = "cited"
    ERROR = "error"
    SLOW = "slow"
    SAMPLE = "sample"


class Dropped(StrEnum):
    """Why a trace is not kept, or no longer."""

    NOT_SELECTED = "not_selected"
    RATE_LIMITED = "rate_limited"
    OUTPACED = "outpaced"
    EVICTED = "evicted"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"


class NotStored(StrEnum):
    """Why a span is in no kept trace."""

    TRACE_DROPPED = "trace_dropped"
    TRACE_LIMIT = "trace_limit"
    LATE = "late"
    NO_TRACE_ID = "no_trace_id"


KEPT = Family("sidecar_traces_kept_total", MetricType.COUNTER, "Traces that were kept, by why.", ("reason",))
DROPPED = Family(
    "sidecar_traces_dropped_total", MetricType.COUNTER, "Traces that are not kept, or no longer, by why.", ("reason",)
)
NOT_STORED = Family(
    "sidecar_spans_not_stored_total", MetricType.COUNTER, "Spans that were not put into a kept trace.", ("reason",)
)
DECIDED_EARLY = Family(
    "sidecar_traces_decided_early_total",
    MetricType.COUNTER,
    "Traces that were decided on before their time, to make room for newer ones.",
)
TRACES = Family("sidecar_traces", MetricType.GAUGE, "Traces in memory.", ("state",))
BYTES = Family("sidecar_traces_bytes", MetricType.GAUGE, "Memory of traces.", ("state",))


class TraceCounts:
    """Counts what happens to traces and spans, each from zero."""

    def __init__(self) -> None:
        self.kept = Counter(dict.fromkeys(Reason, 0))
        self.dropped = Counter(dict.fromkeys(Dropped, 0))
        self.not_stored = Counter(dict.fromkeys(NotStored, 0))
        self.decided_early = 0

    def samples(self, traces: Mapping[str, int], sizes: Mapping[str, int]) -> Iterator[FamilySamples]:
        """Yield the counts, and how many traces and bytes of them there are now, by state."""
        yield _by(KEPT, "reason", self.kept.items())
        yield _by(DROPPED, "reason", self.dropped.items())
        yield _by(NOT_STORED, "reason", self.not_stored.items())
        yield FamilySamples(DECIDED_EARLY, [Sample(DECIDED_EARLY.name, EMPTY, self.decided_early)])
        yield _by(TRACES, "state", traces.items())
        yield _by(BYTES, "state", sizes.items())


def _by(family: Family, label: str, values: Iterable[tuple[str, int]]) -> FamilySamples:
    return FamilySamples(family, [Sample(family.name, ((label, str(key)),), count) for key, count in values])
