"""CPU time of the server, its children and its threads."""

from collections.abc import Iterable

from sidecar.collect.redis.section import RedisServer, Section, counter, number_of, numbers
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

THREAD_PREFIX = "used_active_time_io_thread_"

IO_THREAD = Family(
    "redis_active_time_io_thread_seconds_total", MetricType.COUNTER, "Time an I/O thread was busy.", ("thread",)
)
FIELDS = (
    counter("used_cpu_sys", "cpu_sys_seconds_total", "System CPU time of the server."),
    counter("used_cpu_user", "cpu_user_seconds_total", "User CPU time of the server."),
    counter("used_cpu_sys_children", "cpu_sys_children_seconds_total", "System CPU time of background children."),
    counter("used_cpu_user_children", "cpu_user_children_seconds_total", "User CPU time of background children."),
    counter("used_cpu_sys_main_thread", "cpu_sys_main_thread_seconds_total", "System CPU time of the main thread."),
    counter("used_cpu_user_main_thread", "cpu_user_main_thread_seconds_total", "User CPU time of the main thread."),
    counter("used_active_time_main_thread", "active_time_main_thread_seconds_total", "Time the main thread was busy."),
)


def convert(server: RedisServer) -> Iterable[FamilySamples]:
    """Return the times of the process, and of each I/O thread where Valkey tells them."""
    yield from numbers(server.info, FIELDS)
    samples = [
        Sample(IO_THREAD.name, (("thread", field.removeprefix(THREAD_PREFIX)),), value)
        for field, text in server.info.items()
        if field.startswith(THREAD_PREFIX) and (value := number_of(text)) is not None
    ]
    if samples:
        yield FamilySamples(IO_THREAD, samples)


SECTION = Section("cpu", (*(field.family for field in FIELDS), IO_THREAD), convert)
