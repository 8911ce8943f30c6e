"""How endpoints did over the last five minutes, and what they asked of databases."""

from collections.abc import Iterable, Iterator

from tests.reference.spans.red import endpoint_of
from tests.reference.spans.sent import Sent
from tests.reference.spans.series import OVERFLOWED, Labels, LimitedSeries
from tests.reference.spans.trace import Trace

WINDOW_SECONDS, SLICE_SECONDS = 300, 30
SLOW_SECONDS, APDEX_SECONDS = 1.0, 0.5
UNATTRIBUTED = "sidecar_endpoint_db_calls_unattributed_total"


class Endpoints:
    """Requests by endpoint, and the database calls that were made for them.

    It is read before the first spans leave the window.
    """

    def __init__(self, since: float) -> None:
        self._since = since
        self._limits = LimitedSeries()
        self._requests: dict[Labels, list[Sent]] = {}
        self._place: dict[int, Labels] = {}
        self._judged: list[Trace] = []

    def add(self, body: list[Sent]) -> None:
        """Take spans that came together."""
        for sent in body:
            labels = endpoint_of(sent)
            if labels is not None:
                place = self._limits.place_of(sent.service, labels, sent.weight)
                self._requests.setdefault(place, []).append(sent)
                self._place[id(sent)] = place

    def judge(self, trace: Trace) -> None:
        """Take spans that are judged together."""
        self._judged.append(trace)

    def samples(self, now: float) -> Iterator[tuple[tuple[str, Labels], float]]:
        calls: dict[Labels, list[Sent]] = {}
        unattributed = 0.0
        for trace in self._judged:
            for call in trace.statements():
                request = trace.request_of(call)
                place = self._place.get(id(request))
                if call.shape.by_driver:
                    continue
                if place is None:
                    unattributed += call.weight
                else:
                    calls.setdefault(place, []).append(call)
        known_seconds = max(min(now - self._since, WINDOW_SECONDS - SLICE_SECONDS + now % SLICE_SECONDS), 1.0)
        judged = {id(sent) for trace in self._judged for sent in trace.requests}
        for place, requests in self._requests.items():
            recent = [sent for sent in requests if _is_recent(sent, now)]
            if recent:
                yield from _gauges(place, recent, known_seconds)
            complete = [sent for sent in recent if id(sent) in judged]
            if complete:
                yield from _gauges_of_calls(place, complete, calls.get(place, []))
        yield (UNATTRIBUTED, ()), unattributed
        yield (OVERFLOWED, (("metric", "sidecar_endpoint_requests_per_second"),)), self._limits.overflowed


def _is_recent(sent: Sent, now: float) -> bool:
    return now // SLICE_SECONDS - sent.received_at // SLICE_SECONDS < WINDOW_SECONDS // SLICE_SECONDS


def _gauges(labels: Labels, requests: list[Sent], known_seconds: float) -> Iterator[tuple[tuple[str, Labels], float]]:
    total = _weight(requests)
    good = [sent for sent in requests if not sent.failed]
    satisfied = _weight(sent for sent in good if sent.seconds <= APDEX_SECONDS)
    tolerated = _weight(sent for sent in good if APDEX_SECONDS < sent.seconds <= 4 * APDEX_SECONDS)
    values = {
        "requests_per_second": total / known_seconds,
        "error_ratio": _weight(sent for sent in requests if sent.failed) / total,
        "slow_ratio": _weight(sent for sent in requests if sent.seconds > SLOW_SECONDS) / total,
        "apdex_ratio": (satisfied + tolerated / 2) / total,
    }
    for name, value in values.items():
        yield (f"sidecar_endpoint_{name}", labels), value


def _gauges_of_calls(
    labels: Labels, requests: list[Sent], calls: list[Sent]
) -> Iterator[tuple[tuple[str, Labels], float]]:
    total, seconds = _weight(requests), sum(call.seconds * call.weight for call in calls)
    yield ("sidecar_endpoint_db_calls_per_request", labels), _weight(calls) / total
    yield ("sidecar_endpoint_db_seconds_per_request", labels), seconds / total


def _weight(of: Iterable[Sent]) -> float:
    return sum(sent.weight for sent in of)
