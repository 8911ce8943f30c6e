"""The settings of the server that its numbers are compared with."""

from collections.abc import Iterable, Sequence

from sidecar.collect.redis.section import Answers, PipelinedSection, RedisServer, is_sentinel, number_of, settings_in
from sidecar.model.family import Family, FamilySamples, MetricType, Sample


def _gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Family:
    return Family(f"redis_config_{name}", MetricType.GAUGE, text, labels)


VALUES = {
    "maxmemory": _gauge("maxmemory", "Limit of the memory for data as configured, in bytes; 0: none."),
    "maxclients": _gauge("maxclients", "Most clients at a time as configured."),
    "io-threads": _gauge("io_threads", "I/O threads as configured, the main thread among them."),
    "repl-backlog-size": _gauge("repl_backlog_size", "Size of the replication backlog as configured, in bytes."),
}
LIMITS = "client-output-buffer-limit"
LIMIT_BYTES = _gauge(
    "client_output_buffer_limit_bytes",
    "Output buffer at which a client of the class is dropped: at once (hard) or after a while (soft); 0: none.",
    ("class", "limit"),
)
LIMIT_SECONDS = _gauge(
    "client_output_buffer_limit_overcome_seconds",
    "Time over the soft limit after which a client of the class is dropped.",
    ("class", "limit"),
)


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask for each by itself: several at once are news of Redis 7, and all of them would have secrets among them."""
    return () if is_sentinel(server.info) else [("CONFIG", "GET", name) for name in (*VALUES, LIMITS)]


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return the settings that the server has."""
    settings = settings_in(answers)
    for name, family in VALUES.items():
        value = number_of(settings.get(name))
        if value is not None:
            yield FamilySamples(family, [Sample(family.name, (), value)])
    yield from _limits(settings.get(LIMITS, ""))


def _limits(text: str) -> Iterable[FamilySamples]:
    """Take `normal 0 0 0 slave 268435456 67108864 60 ...` apart: class, hard bytes, soft bytes, soft seconds."""
    words = text.split(" ")
    limits = list(zip(words[::4], words[1::4], words[2::4], words[3::4], strict=False))
    if limits:
        rows = [
            (client_class, limit, value)
            for client_class, hard, soft, _ in limits
            for limit, value in (("hard", hard), ("soft", soft))
        ]
        yield _by_class(LIMIT_BYTES, rows)
        yield _by_class(LIMIT_SECONDS, [(client_class, "soft", seconds) for client_class, _, _, seconds in limits])


def _by_class(family: Family, rows: Iterable[tuple[str, str, str]]) -> FamilySamples:
    samples = [
        Sample(family.name, (("class", client_class), ("limit", limit)), value)
        for client_class, limit, text in rows
        if (value := number_of(text)) is not None
    ]
    return FamilySamples(family, samples)


SECTION = PipelinedSection(
    "config_values",
    (*VALUES.values(), LIMIT_BYTES, LIMIT_SECONDS),
    commands,
    convert,
    permissions=("+config|get",),
)
