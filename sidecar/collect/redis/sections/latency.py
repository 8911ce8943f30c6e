"""Latency spikes by event."""

from collections.abc import Iterable, Sequence

from sidecar.codec.peer.lines import one_line
from sidecar.collect.redis.section import Answers, PipelinedSection, RedisServer, Reply, is_sentinel, items_of, text_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of

LAST = Family(
    "redis_latency_spike_last", MetricType.GAUGE, "When the last spike of the event was, Unix time.", ("event_name",)
)
DURATION = Family(
    "redis_latency_spike_duration_seconds", MetricType.GAUGE, "Time of the event's last spike.", ("event_name",)
)

MOST_EVENTS = 100
"""The server has some twenty events; those of modules have no end."""

LATEST = ("LATENCY", "LATEST")


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask a server; a Sentinel does not know the command."""
    return () if is_sentinel(server.info) else (LATEST,)


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return the last spike of each event; none while the server's latency-monitor-threshold is 0."""
    rows = list(_spikes(answers.get(LATEST)))
    if rows:
        yield FamilySamples(LAST, [Sample(LAST.name, labels, when) for labels, when, _ in rows])
        yield FamilySamples(DURATION, [Sample(DURATION.name, labels, spent * 1e-3) for labels, _, spent in rows])


def _spikes(reply: Reply) -> Iterable[tuple[Labels, float, float]]:
    """Yield labels, Unix time and milliseconds of the first spikes; modules may have events of their own."""
    for spike in items_of(reply)[:MOST_EVENTS]:
        # A spike is its event, when, milliseconds, and the longest one's.
        name, when, spent = items_of(spike)[:3] if len(items_of(spike)) > 2 else (None, None, None)
        if isinstance(name, bytes) and isinstance(when, int) and isinstance(spent, int):
            yield labels_of({"event_name": one_line(text_of(name))}), float(when), float(spent)


SECTION = PipelinedSection("latency", (LAST, DURATION), commands, convert, permissions=("+latency|latest",))
