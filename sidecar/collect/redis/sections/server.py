"""Who the server is and how long it has been running."""

from collections.abc import Iterable

from sidecar.collect.redis.section import RedisServer, Section, counter, gauge, number_of, numbers
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

INSTANCE_FIELDS = (
    "role",
    "redis_version",
    "redis_build_id",
    "redis_mode",
    "os",
    "maxmemory_policy",
    "tcp_port",
    "run_id",
    "process_id",
    "master_replid",
    "valkey_version",
    "valkey_release_stage",
)

INSTANCE = Family("redis_instance_info", MetricType.GAUGE, "Always 1; the labels say what runs.", INSTANCE_FIELDS)
START = Family("redis_start_time_seconds", MetricType.GAUGE, "When the server was started, Unix time.")
FIELDS = (
    gauge("uptime_in_seconds", "uptime_in_seconds", "Seconds since the server was started."),
    gauge("process_id", "process_id", "Process id of the server."),
    gauge("hz", "hz", "Frequency of the server's background work, per second."),
    gauge("configured_hz", "configured_hz", "Frequency of background work as configured, per second."),
    gauge("io_threads_active", "io_threads_active", "1 when I/O threads are in use."),
    counter("eventloop_cycles", "eventloop_cycles_total", "Turns of the main loop."),
    counter("eventloop_duration_sum", "eventloop_duration_sum_usec_total", "Time in the main loop, in MICROSECONDS."),
    counter(
        "eventloop_duration_cmd_sum",
        "eventloop_duration_cmd_sum_usec_total",
        "Time the main loop spent executing commands, in MICROSECONDS.",
    ),
    gauge(
        "instantaneous_eventloop_cycles_per_sec",
        "instantaneous_eventloop_cycles_per_sec",
        "Turns of the loop a second.",
    ),
    gauge(
        "instantaneous_eventloop_duration_usec",
        "instantaneous_eventloop_duration_usec",
        "Time of one turn of the main loop lately, in MICROSECONDS.",
    ),
)


def convert(server: RedisServer) -> Iterable[FamilySamples]:
    """Return the identity, the start time and the numbers."""
    info = server.info
    # Valkey calls the mode server_mode.
    fields = {"redis_mode": info.get("server_mode", ""), **info}
    labels = labels_of((field, fields.get(field, "")) for field in INSTANCE_FIELDS)
    yield FamilySamples(INSTANCE, [Sample(INSTANCE.name, labels, 1.0)])
    uptime = number_of(info.get("uptime_in_seconds"))
    if uptime is not None:
        yield FamilySamples(START, [Sample(START.name, (), float(round(server.now - uptime)))])
    yield from numbers(info, FIELDS)


SECTION = Section("server", (INSTANCE, START, *(field.family for field in FIELDS)), convert)
