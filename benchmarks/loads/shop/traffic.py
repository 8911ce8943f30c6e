"""The shop's traffic as what its processes export: requests with their traces, the same for the same seed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random

from benchmarks.loads.shop import failures
from benchmarks.loads.shop.calls import CacheCall, Function, Outgoing, Query
from benchmarks.loads.shop.failures import Failure, Frame
from benchmarks.loads.shop.routes import LONGEST, Route, Step, Subscription, routes, subscriptions
from benchmarks.loads.spans import HAS_REMOTE, IS_REMOTE, SAMPLED, Attributes, Event, Request, Span

SEED = 14
FAILED_RATIO = 0.01
"""Of the traces: something is raised in the last call and nothing catches it, so that all spans above it fail too."""
HANDLED_RATIO = 0.01
"""Of the traces: a call fails and the code goes on."""
REMOTE_RATIO = 0.25
"""Of the traces: the caller has a span, in a process that exports to somebody else."""
ROOT = -1
"""The step that is no call: the request itself."""
_BEGUN_NANO = 1_750_000_000 * 10**9
_SPREAD_NANO = 10**9
_OVERHEAD_NANO = 40_000
_API, _WORKER = "shop-api", "shop-worker"
_PROCESSES = (*((_API, 4000 + number) for number in range(6)), *((_WORKER, 5000 + number) for number in range(2)))
_FAILURES: dict[type, Sequence[Failure]] = {
    Query: failures.DATABASE_FAILURES,
    CacheCall: failures.CACHE_FAILURES,
    Outgoing: failures.HTTP_FAILURES,
}


class _App:
    """What the code of the shop can do, and how often it is asked to: the n-th 1/n as often as the first."""

    def __init__(self, random: Random) -> None:
        self._served: dict[str, Sequence[Route | Subscription]] = {
            _API: routes(random),
            _WORKER: subscriptions(random),
        }
        self._weights = {
            service: list(accumulate(1 / number for number in range(1, len(served) + 1)))
            for service, served in self._served.items()
        }

    def any_of(self, service: str, random: Random) -> Route | Subscription:
        """Return what is asked of a service once."""
        return random.choices(self._served[service], cum_weights=self._weights[service])[0]


def requests(count: int, spans: int, spans_per_trace: int) -> Iterator[Request]:
    """Yield `count` requests of so many spans; a trace has half to one and a half times `spans_per_trace`."""
    app = _App(Random(SEED))
    half = spans_per_trace // 2
    for number in range(count):
        random = Random(f"{SEED} {spans} {spans_per_trace} {number}")
        service, process = _PROCESSES[number % len(_PROCESSES)]
        made: list[Span] = []
        while missing := spans - len(made):
            size = min(random.randint(spans_per_trace - half, spans_per_trace + half), missing, LONGEST + 1)
            made += _trace(app.any_of(service, random), size, random)
        yield Request(_resource(service, process), _by_scope(made))


def _by_scope(spans: list[Span]) -> dict[str, list[Span]]:
    """Return the spans in the order in which they ended, as a processor of batches is told of them."""
    scopes = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.end_nano):
        scopes[span.scope].append(span)
    return scopes


def _resource(service: str, process: int) -> Attributes:
    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.39.1",
        "service.name": service,
        "service.namespace": "shop",
        "service.version": "2026.11.3",
        "service.instance.id": f"7f3c1f0e-7b0e-4b60-9d3e-3c8f4a1b{process}",
        "deployment.environment.name": "production",
        "host.name": "shop-6c9f7d5b8-x2x7p",
        "k8s.pod.name": "shop-6c9f7d5b8-x2x7p",
        "k8s.namespace.name": "shop",
        "process.pid": process,
        "process.runtime.name": "cpython",
        "process.runtime.version": "3.12.7",
    }


def _trace(served: Route | Subscription, size: int, random: Random) -> list[Span]:
    """Return the span of a request and `size` - 1 of what is called for it."""
    steps = served.steps[: size - 1]
    drawn = random.random()
    has_failed = drawn < FAILED_RATIO
    trace_id = random.randbytes(16)
    cursor = start = _BEGUN_NANO + random.randrange(_SPREAD_NANO)
    is_called = random.random() < REMOTE_RATIO
    root = Span(
        scope=served.scope,
        trace_id=trace_id,
        span_id=random.randbytes(8),
        parent_id=random.randbytes(8) if is_called else b"",
        name=served.name,
        kind=served.kind,
        start_nano=start,
        end_nano=start + int(_OVERHEAD_NANO * random.lognormvariate(1, 1)),
        attributes=served.attributes(random, has_failed),
        flags=SAMPLED | HAS_REMOTE | (IS_REMOTE if is_called else 0),
    )
    spans: list[Span] = []
    for step in steps:
        cursor += _OVERHEAD_NANO
        begun, cursor = cursor, cursor + int(step.call.usual_nano * random.lognormvariate(0, 0.6))
        parent = root if step.parent == ROOT else spans[step.parent]
        spans.append(
            Span(
                scope=step.call.scope,
                trace_id=trace_id,
                span_id=random.randbytes(8),
                parent_id=parent.span_id,
                name=step.call.name,
                kind=step.call.kind,
                start_nano=begun,
                end_nano=cursor,
                attributes=step.call.attributes(random),
            )
        )
    _end_callers_last(root, spans, steps)
    if has_failed:
        _raise(len(steps) - 1, root, spans, steps, random)
    elif drawn < FAILED_RATIO + HANDLED_RATIO and steps:
        _raise(random.randrange(len(steps)), None, spans, steps, random)
    return [root, *spans]


def _end_callers_last(root: Span, spans: Sequence[Span], steps: Sequence[Step]) -> None:
    for span, step in zip(reversed(spans), reversed(steps), strict=True):
        caller = root if step.parent == ROOT else spans[step.parent]
        caller.end_nano = max(caller.end_nano, span.end_nano + _OVERHEAD_NANO)


def _raise(at: int, root: Span | None, spans: Sequence[Span], steps: Sequence[Step], random: Random) -> None:
    """Let the call at step `at` fail, and with it all that called it up to `root`, if it is not handled before."""
    possible = _FAILURES.get(type(steps[at].call) if at != ROOT else Function, failures.APP_FAILURES)
    failure = possible[int(len(possible) * random.random() ** 2)]
    values = failures.values(random)
    above: tuple[Frame, ...] = ()
    while at != ROOT:
        call = steps[at].call
        if isinstance(call, Function):
            above = (_frame(call), *above)
        _fail(spans[at], failure, values, above)
        if root is None:
            return
        at = steps[at].parent
    if root is not None:
        _fail(root, failure, values, (*failures.SERVER_FRAMES, *above))


def _frame(function: Function) -> Frame:
    path = f"/app/shop/{function.module}/service.py"
    return path, function.line + 12, function.function, f"return await self._{function.function}(request, session)"


def _fail(span: Span, failure: Failure, values: failures.Values, above: Sequence[Frame]) -> None:
    exception = failure.exception(values, above)
    span.events.append(Event("exception", span.end_nano - 1_000, exception))
    span.failed_with = f"{failure.type}: {exception['exception.message']}"
