"""How endpoints did over the last five minutes, and what they asked of databases."""

from collections.abc import Iterable, Iterator

from tests.reference.spans.red import endpoint_of
from tests.reference.spans.rules import Rules
from tests.reference.spans.sent import SERVED, Sent
from tests.reference.spans.series import OVERFLOWED, Labels, LimitedSeries
from tests.reference.spans.trace import is_call, traces_of

WINDOW_SECONDS, SLICE_SECONDS = 300, 30
SLOW_SECONDS, APDEX_SECONDS = 1.0, 0.5
UNATTRIBUTED = "sidecar_endpoint_db_calls_unattributed_total"


class Endpoints:
    """Requests by endpoint, and the database calls that were made for them.

    It is read when no call waits for its request any more, and before the first spans leave the window.
    """

    def __init__(self, rules: Rules, since: float) -> None:
        self._rules, self._since = rules, since
        self._limits = LimitedSeries()
        self._requests: dict[Labels, list[Sent]] = {}
        self._place: dict[int, Labels] = {}
        self._bodies: list[list[Sent]] = []

    def add(self, body: list[Sent]) -> None:
        self._bodies.append(body)
        for sent in body:
            labels = endpoint_of(sent)
            if labels is not None:
                place = self._limits.place_of(sent.service, labels, sent.weight)
                self._requests.setdefault(place, []).append(sent)
                self._place[id(sent)] = place

    def samples(self, now: float) -> Iterator[tuple[tuple[str, Labels], float]]:
        calls: dict[Labels, list[Sent]] = {}
        unattributed = 0.0
        pairs = self._by_ancestor() if self._rules.calls_by_ancestor else self._by_latest_request()
        for call, request in pairs:
            if request is None:
                unattributed += call.weight
            else:
                calls.setdefault(self._place[id(request)], []).append(call)
        known_seconds = max(min(now - self._since, WINDOW_SECONDS - SLICE_SECONDS + now % SLICE_SECONDS), 1.0)
        for place, requests in self._requests.items():
            recent = [sent for sent in requests if _is_recent(sent, now)]
            if recent:
                yield from _gauges(place, recent, calls.get(place, []), known_seconds)
        yield (UNATTRIBUTED, ()), unattributed
        yield (OVERFLOWED, (("metric", "sidecar_endpoint_requests_per_second"),)), self._limits.overflowed

    def _by_ancestor(self) -> Iterator[tuple[Sent, Sent | None]]:
        spans = [sent for body in self._bodies for sent in body]
        traces = traces_of(spans)
        innermost = {id(call) for trace in traces.values() for call in trace.innermost_calls()}
        for sent in filter(_counts, spans):
            if not sent.trace_id:
                yield sent, None
            elif not self._rules.innermost_calls or id(sent) in innermost:
                yield sent, traces[sent.trace_id].request_of(sent)

    def _by_latest_request(self) -> Iterator[tuple[Sent, Sent | None]]:
        """Yield each call with the request of its service that was the latest when both were there."""
        latest: dict[tuple[bytes, str], Sent] = {}
        waiting: dict[tuple[bytes, str], list[Sent]] = {}
        for body in self._bodies:
            requests = [sent for sent in body if sent.kind in SERVED and sent.trace_id]
            latest.update({(sent.trace_id, sent.service): sent for sent in requests})
            for sent in requests:
                for call in waiting.pop((sent.trace_id, sent.service), ()):
                    yield call, latest[sent.trace_id, sent.service]
            for call in filter(_counts, body):
                key = call.trace_id, call.service
                if not call.trace_id:
                    yield call, None
                elif key in latest:
                    yield call, latest[key]
                else:
                    waiting.setdefault(key, []).append(call)
        for calls in waiting.values():
            yield from ((call, None) for call in calls)


def _counts(sent: Sent) -> bool:
    return is_call(sent) and not sent.shape.by_driver


def _is_recent(sent: Sent, now: float) -> bool:
    return now // SLICE_SECONDS - sent.received_at // SLICE_SECONDS < WINDOW_SECONDS // SLICE_SECONDS


def _gauges(
    labels: Labels, requests: list[Sent], calls: list[Sent], known_seconds: float
) -> Iterator[tuple[tuple[str, Labels], float]]:
    def weight(of: Iterable[Sent]) -> float:
        return sum(sent.weight for sent in of)

    total = weight(requests)
    good = [sent for sent in requests if not sent.failed]
    satisfied = weight(sent for sent in good if sent.seconds <= APDEX_SECONDS)
    tolerated = weight(sent for sent in good if APDEX_SECONDS < sent.seconds <= 4 * APDEX_SECONDS)
    values = {
        "requests_per_second": total / known_seconds,
        "error_ratio": weight(sent for sent in requests if sent.failed) / total,
        "slow_ratio": weight(sent for sent in requests if sent.seconds > SLOW_SECONDS) / total,
        "apdex_ratio": (satisfied + tolerated / 2) / total,
        "db_calls_per_request": weight(calls) / total,
        "db_seconds_per_request": sum(call.seconds * call.weight for call in calls) / total,
    }
    for name, value in values.items():
        yield (f"sidecar_endpoint_{name}", labels), value
