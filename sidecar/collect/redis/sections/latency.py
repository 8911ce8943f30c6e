"""Latency spikes by event."""

from collections.abc import Iterable, Sequence

from sidecar.collect.redis.section import Answers, PipelinedSection, RedisServer, is_sentinel, text_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

LAST = Family(
    "redis_latency_spike_last", MetricType.GAUGE, "When the last spike of the event was, Unix time.", ("event_name",)
)
DURATION = Family(
    "redis_latency_spike_duration_seconds", MetricType.GAUGE, "Time of the event's last spike.", ("event_name",)
)

LATEST = ("LATENCY", "LATEST")


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask a server; a Sentinel does not know the command."""
    return () if is_sentinel(server.info) else (LATEST,)


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return the last spike of each event; none while the server's latency-monitor-threshold is 0."""
    spikes = answers.get(LATEST)
    if isinstance(spikes, list) and spikes:
        # A spike is its event, when, milliseconds, and the longest one's.
        rows = [((("event_name", text_of(name)),), when, duration) for name, when, duration, *_ in spikes]
        yield FamilySamples(LAST, [Sample(LAST.name, labels, float(when)) for labels, when, _ in rows])
        yield FamilySamples(DURATION, [Sample(DURATION.name, labels, spent * 1e-3) for labels, _, spent in rows])


SECTION = PipelinedSection("latency", (LAST, DURATION), commands, convert, permissions=("+latency|latest",))
