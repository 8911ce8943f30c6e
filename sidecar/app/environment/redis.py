"""The environment variables of redis_exporter."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from sidecar.app.environment.reading import Option, Reading
from sidecar.model.yaml.document import Path

DEFAULT_ADDRESS = "redis://localhost:6379"

TEXTS: dict[str, Path] = {
    "REDIS_EXPORTER_TLS_CA_CERT_FILE": ("tls", "ca_file"),
    "REDIS_EXPORTER_TLS_CLIENT_CERT_FILE": ("tls", "certificate_file"),
    "REDIS_EXPORTER_TLS_CLIENT_KEY_FILE": ("tls", "key_file"),
}
FLAGS: dict[str, Path] = {
    "REDIS_EXPORTER_SKIP_TLS_VERIFICATION": ("tls", "insecure_skip_verify"),
    "REDIS_EXPORTER_PING_ON_CONNECT": ("ping",),
}
KEYS: dict[str, Path] = {
    "REDIS_EXPORTER_CHECK_KEYS": ("keys", "patterns"),
    "REDIS_EXPORTER_CHECK_SINGLE_KEYS": ("keys", "names"),
    "REDIS_EXPORTER_COUNT_KEYS": ("keys", "counts"),
    "REDIS_EXPORTER_CHECK_STREAMS": ("streams", "patterns"),
    "REDIS_EXPORTER_CHECK_SINGLE_STREAMS": ("streams", "names"),
}
SUPPORTED = frozenset(
    {
        *TEXTS,
        *FLAGS,
        *KEYS,
        "REDIS_EXPORTER_CONFIG_COMMAND",
        "REDIS_EXPORTER_CONNECTION_TIMEOUT",
        "REDIS_EXPORTER_DEBUG",
        "REDIS_EXPORTER_DISABLE_EXPORTING_KEY_VALUES",
        "REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS",
        "REDIS_EXPORTER_EXCLUDE_SLOWLOG_METRICS",
        "REDIS_EXPORTER_INCL_CONFIG_METRICS",
        "REDIS_EXPORTER_INCL_METRICS_FOR_EMPTY_DATABASES",
        "REDIS_EXPORTER_INCL_SYSTEM_METRICS",
        "REDIS_EXPORTER_LOG_FORMAT",
        "REDIS_EXPORTER_STREAMS_EXCLUDE_CONSUMER_METRICS",
        "REDIS_EXPORTER_WEB_LISTEN_ADDRESS",
    }
)

EXCLUDED: Path = ("sections", "exclude")

_DATABASE = re.compile("db(?P<number>[0-9]{1,10})=(?P<name>.*)", re.DOTALL)
_PLACE: Path = ("redis",)


def redis_targets(reading: Reading) -> list[dict[str, Any]]:
    """Return the target that the environment names, with the exporter's settings.

    Whoever sets anything of the exporter's and no address means the one that the exporter takes.
    """
    url = reading.first(_PLACE, "REDIS_ADDR", "REDIS_URL")
    if not url and "REDIS_ADDR" not in reading.env and any(reading.env.get(name) for name in SUPPORTED):
        url = DEFAULT_ADDRESS
    if not url:
        return []
    target = {"url": _whole(url)}
    target |= reading.named({"username": "REDIS_USER", "password_file": "REDIS_PASSWORD_FILE"})
    if reading.env.get("REDIS_PASSWORD"):
        target |= {"password": reading.env["REDIS_PASSWORD"]}
        target.pop("password_file", None)
    return reading.apply("redis", [target], _options(reading))


def _whole(address: str) -> str:
    """Return an address as a URL: the exporter takes one without a scheme, ioredis a path and `//host` too."""
    if "://" in address:
        return address
    if address.startswith("//"):
        return f"redis:{address}"
    return f"unix://{address}" if address.startswith("/") else f"redis://{address}"


def log_settings(reading: Reading) -> dict[str, Any]:
    """Return the settings of the log."""
    given = reading.given(("log", "format"), "SIDECAR_LOG_FORMAT")
    theirs = reading.env.get("REDIS_EXPORTER_LOG_FORMAT")
    if theirs and not given:
        given = {"format": "json" if theirs == "json" else "console"}
    return given | ({"level": "debug"} if reading.flag("REDIS_EXPORTER_DEBUG") else {})


def _options(reading: Reading) -> Iterator[Option]:
    yield from reading.text_options(TEXTS)
    yield from reading.flag_options(FLAGS)
    yield from reading.duration_option("REDIS_EXPORTER_CONNECTION_TIMEOUT")
    yield from _sections(reading)
    yield from _keys(reading)
    if reading.flag("REDIS_EXPORTER_STREAMS_EXCLUDE_CONSUMER_METRICS"):
        yield "REDIS_EXPORTER_STREAMS_EXCLUDE_CONSUMER_METRICS", ("streams", "consumers"), False


def _sections(reading: Reading) -> Iterator[Option]:
    if reading.env.get("REDIS_EXPORTER_CONFIG_COMMAND") == "-":
        yield "REDIS_EXPORTER_CONFIG_COMMAND", EXCLUDED, ["config_values", "config_dump", "empty_databases"]
    if reading.flag("REDIS_EXPORTER_EXCLUDE_SLOWLOG_METRICS"):
        yield "REDIS_EXPORTER_EXCLUDE_SLOWLOG_METRICS", EXCLUDED, ["slowlog"]
    if reading.flag("REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS"):
        yield "REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS", EXCLUDED, ["latency", "latency_histogram"]
    if reading.is_off("REDIS_EXPORTER_INCL_METRICS_FOR_EMPTY_DATABASES"):
        yield "REDIS_EXPORTER_INCL_METRICS_FOR_EMPTY_DATABASES", EXCLUDED, ["empty_databases"]
    if reading.flag("REDIS_EXPORTER_INCL_CONFIG_METRICS"):
        yield "REDIS_EXPORTER_INCL_CONFIG_METRICS", ("sections", "include"), ["config_dump"]


def _keys(reading: Reading) -> Iterator[Option]:
    shows_values = not reading.flag("REDIS_EXPORTER_DISABLE_EXPORTING_KEY_VALUES")
    for name, path in KEYS.items():
        key = "name" if path[-1] == "names" else "pattern"
        more = {"value": shows_values} if path == ("keys", "names") else {}
        for variable, place, words in reading.list_option(name, path):
            yield variable, place, [{key: text, "db": database} | more for database, text in map(_key, words)]


def _key(word: str) -> tuple[int, str]:
    """Return database and name of `db3=name`, percent-encoded; without a database it is 0."""
    match = _DATABASE.fullmatch(word)
    number, name = (int(match["number"]), match["name"]) if match else (0, word)
    return number, unquote_plus(name)
