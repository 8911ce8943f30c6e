"""Settings of the server or the Sentinel as labels: those that the configuration allows, and no secret."""

from collections.abc import Iterable, Mapping, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.redis.section import Answers, PipelinedSection, RedisServer, decimal_of, is_sentinel, settings_in
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of


def _families(prefix: str, whose: str) -> tuple[Family, Family]:
    return (
        Family(
            f"{prefix}_key_value",
            MetricType.GAUGE,
            f"Always 1; the labels are a setting of the {whose} and its value.",
            ("key", "value"),
        ),
        Family(f"{prefix}_value", MetricType.GAUGE, f"Settings of the {whose} that are numbers.", ("key",)),
    )


OF_SERVER = _families("redis_config", "server")
OF_SENTINEL = _families("redis_sentinel_config", "Sentinel")

# Its others are a user and a password.
SENTINEL_SETTINGS = ("resolve-hostnames", "announce-hostnames", "announce-ip", "announce-port", "loglevel")


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask for each by name, so that what is not to be told is not even fetched."""
    if is_sentinel(server.info):
        return [("SENTINEL", "CONFIG", "GET", name) for name in SENTINEL_SETTINGS]
    return [("CONFIG", "GET", name) for name in server.config.dumped_settings]


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return each setting as a label, and as a number where it is one."""
    settings = settings_in(answers)
    return _dump(settings, *(OF_SENTINEL if is_sentinel(server.info) else OF_SERVER))


def _dump(settings: Mapping[str, str], texts: Family, numbers: Family) -> Iterable[FamilySamples]:
    if settings:
        yield FamilySamples(
            texts, [Sample(texts.name, labels_of({"key": key, "value": text}), 1.0) for key, text in settings.items()]
        )
    values = {key: value for key, text in settings.items() if (value := decimal_of(text)) is not None}
    if values:
        yield FamilySamples(numbers, [Sample(numbers.name, (("key", key),), value) for key, value in values.items()])


SECTION = PipelinedSection(
    "config_dump",
    (*OF_SERVER, *OF_SENTINEL),
    commands,
    convert,
    permissions=("+config|get", "+sentinel|config"),
    preset=Preset.FULL,
)
