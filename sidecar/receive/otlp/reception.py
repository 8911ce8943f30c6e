"""What the transports share: the ways in for each signal, and what may be held at once."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sidecar.codec.otlp.json.convert import Converter
from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.codec.otlp.logs import LogBatches
from sidecar.codec.otlp.metrics import MetricBatches
from sidecar.codec.otlp.signal import LOGS, METRICS, SIGNALS, TRACES, Signal
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.forward import ForwardBody
from sidecar.model.forward import Signal as SignalName
from sidecar.model.log import LogBatch
from sidecar.model.metric import MetricBatch
from sidecar.model.sample import Sink
from sidecar.model.span import SpanBatch
from sidecar.model.steps import Steps
from sidecar.receive.otlp.allowance import Allowance
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.receive.otlp.ingest import AtOnce, Batches, BatchT, Forward, Ingest, Intake, Read
from sidecar.receive.otlp.refusal import UnknownPathError
from sidecar.runtime.clock import Clock
from sidecar.runtime.turns import REQUESTS, Turns

STOP_SECONDS = 5.0
"""How long a stopping receiver waits for requests that it has begun to work on."""


class Sinks(NamedTuple):
    """Where what was received goes, by signal; and where the bodies go, as they came."""

    traces: Intake[SpanBatch]
    metrics: Sink[MetricBatch] | None = None
    logs: Sink[LogBatch] | None = None
    forwards: Sink[ForwardBody] | None = None


class Ingests(NamedTuple):
    """The way in for each signal; a signal without one is answered as not supported."""

    traces: Ingest[SpanBatch] | None = None
    metrics: Ingest[Any] | None = None
    logs: Ingest[Any] | None = None

    def of(self, signal: Signal) -> Ingest[Any] | None:
        """Return the way in for `signal`."""
        return {TRACES: self.traces, METRICS: self.metrics, LOGS: self.logs}[signal]


class Reception(NamedTuple):
    """What the receivers of all transports share."""

    ingests: Ingests
    allowance: Allowance
    config: OtlpConfig

    def ingest_of(self, signal: Signal) -> Ingest[Any]:
        """Return the way in for `signal`; raise UnknownPathError if there is none."""
        ingest = self.ingests.of(signal)
        if ingest is None:
            supported = ", ".join(other.name for other in SIGNALS if self.ingests.of(other))
            raise UnknownPathError(f"{signal.name} are not supported yet, only {supported}")
        return ingest


def reception_of(config: OtlpConfig, sinks: Sinks, clock: Clock) -> Reception:
    """Return the reception of the signals that have a sink."""
    turns = Turns(clock, REQUESTS)
    traces = Ingest(sinks.traces, turns, at_once(SpanBatches), JsonTraces().read, _forward(sinks, "traces"))
    metrics = _ingest(sinks.metrics, turns, METRICS, MetricBatches, _forward(sinks, "metrics"))
    logs = _ingest(sinks.logs, turns, LOGS, LogBatches, _forward(sinks, "logs"))
    allowance = Allowance(config.max_in_flight_bytes, config.max_concurrent_requests)
    return Reception(Ingests(traces, metrics, logs), allowance, config)


def _ingest(
    sink: Sink[BatchT] | None,
    turns: Turns,
    signal: Signal,
    batches: Callable[[bytes, float], Batches[BatchT]],
    forward: Forward,
) -> Ingest[BatchT] | None:
    if sink is None:
        return None
    return Ingest(AtOnce(sink), turns, at_once(batches), converted(signal, batches), forward)


def _forward(sinks: Sinks, signal: SignalName) -> Forward:
    forwards = sinks.forwards
    if forwards is None:
        return lambda _, __: None
    return lambda content_type, body: forwards.accept(ForwardBody(signal, content_type, body))


def at_once(open_body: Callable[[bytes, float], Batches[BatchT]]) -> Read[BatchT]:
    """Return a reader of protobuf, which needs no steps of its own before the first batch."""

    def read(body: bytes, received_at: float) -> Steps[Batches[BatchT]]:
        yield from ()
        return open_body(body, received_at)

    return read


def converted(signal: Signal, open_body: Callable[[bytes, float], Batches[BatchT]]) -> Read[BatchT]:
    """Return a reader of JSON that makes protobuf of it first."""
    converter = Converter(signal)

    def read(body: bytes, received_at: float) -> Steps[Batches[BatchT]]:
        return open_body((yield from converter.protobuf_of(body)), received_at)

    return read
