"""The logs of slow commands, large requests and large replies of Valkey."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.redis.section import (
    Answers,
    PipelinedSection,
    RedisServer,
    is_sentinel,
    number_of,
    settings_in,
    version_of,
)
from sidecar.model.family import Family, FamilySamples, MetricType, Sample


def _gauge(name: str, text: str) -> Family:
    return Family(f"redis_commandlog_{name}", MetricType.GAUGE, text)


LENGTHS = {
    "slow": _gauge("slow_length", "Slow commands in the command log."),
    "large-request": _gauge("large_request_length", "Large requests in the command log."),
    "large-reply": _gauge("large_reply_length", "Commands with a large reply in the command log."),
}
SETTINGS = {
    "commandlog-execution-slower-than": _gauge(
        "execution_slower_than", "Time from which a command is logged as slow, in MICROSECONDS; negative: never."
    ),
    "commandlog-slow-execution-max-len": _gauge("slow_execution_max_len", "Most slow commands that are kept."),
    "commandlog-request-larger-than": _gauge(
        "request_larger_than", "Bytes from which a request is logged as large; negative: never."
    ),
    "commandlog-large-request-max-len": _gauge("large_request_max_len", "Most large requests that are kept."),
    "commandlog-reply-larger-than": _gauge(
        "reply_larger_than", "Bytes from which a reply is logged as large; negative: never."
    ),
    "commandlog-large-reply-max-len": _gauge("large_reply_max_len", "Most commands with a large reply that are kept."),
}


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask a Valkey of 8.1 or later that is no Sentinel; for settings only where `config_values` asks for some too.

    Who excludes that section does so because the server is not to be asked for its settings.
    """
    if is_sentinel(server.info) or version_of(server.info.get("valkey_version")) < (8, 1):
        return ()
    settings = SETTINGS if server.config.sections.selects("config_values", Preset.BASIC) else ()
    return [*(("COMMANDLOG", "LEN", kind) for kind in LENGTHS), *(("CONFIG", "GET", name) for name in settings)]


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return the length of each log and what gets into it."""
    settings = settings_in(answers)
    values = {family: answers.get(("COMMANDLOG", "LEN", kind)) for kind, family in LENGTHS.items()}
    values |= {family: number_of(settings.get(name)) for name, family in SETTINGS.items()}
    for family, value in values.items():
        if isinstance(value, int | float):
            yield FamilySamples(family, [Sample(family.name, (), float(value))])


SECTION = PipelinedSection(
    "commandlog",
    (*LENGTHS.values(), *SETTINGS.values()),
    commands,
    convert,
    permissions=("+commandlog|len", "+config|get"),
)
