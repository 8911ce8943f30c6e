"""The environment variables of redis_exporter."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from sidecar.app.reading import Option, Reading, refused
from sidecar.model.document import Path
from sidecar.model.errors import ConfigError

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

_DATABASE = re.compile(r"db(?P<number>\d+)=(?P<name>.*)", re.DOTALL)
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
    target = {"url": url if "://" in url else f"redis://{url}"}
    target |= reading.named({"username": "REDIS_USER", "password": "REDIS_PASSWORD"})
    return reading.apply("redis", [target | _password(reading, target)], _options(reading))


def log_settings(reading: Reading) -> dict[str, Any]:
    """Return the settings of the log."""
    given = reading.given(("log", "format"), "SIDECAR_LOG_FORMAT")
    theirs = reading.env.get("REDIS_EXPORTER_LOG_FORMAT")
    if theirs and not given:
        given = {"format": "json" if theirs == "json" else "console"}
    return given | ({"level": "debug"} if reading.flag("REDIS_EXPORTER_DEBUG") else {})


def _password(reading: Reading, target: dict[str, str]) -> dict[str, str]:
    """Return the password file, or the password from one that holds those of many addresses, as the exporter's does."""
    file = reading.named({"password_file": "REDIS_PASSWORD_FILE"})
    try:
        text = reading.content("REDIS_PASSWORD_FILE")
    except ConfigError:
        # It may come later: it is read for each connection.
        return file
    if not text.startswith("{"):
        return file
    try:
        passwords = json.loads(text)
    except ValueError:
        return file
    return {"password": _password_of(target, passwords)} if "password" not in target else {}


def _password_of(target: dict[str, str], passwords: dict[str, Any]) -> str:
    scheme, _, rest = target["url"].partition("://")
    user = target.get("username")
    for address in (f"{scheme}://{user}@{rest}", target["url"], f"{scheme}://{rest.rpartition('@')[2]}"):
        if isinstance(passwords.get(address), str):
            return str(passwords[address])
    raise refused("REDIS_PASSWORD_FILE", "the file has no password for the address in `REDIS_ADDR`")


def _options(reading: Reading) -> Iterator[Option]:
    yield from reading.text_options(TEXTS)
    yield from reading.flag_options(FLAGS)
    yield from reading.duration_option("REDIS_EXPORTER_CONNECTION_TIMEOUT")
    yield from _sections(reading)
    yield from _keys(reading)
    if reading.flag("REDIS_EXPORTER_STREAMS_EXCLUDE_CONSUMER_METRICS"):
        yield "REDIS_EXPORTER_STREAMS_EXCLUDE_CONSUMER_METRICS", ("streams", "consumers"), False


def _sections(reading: Reading) -> Iterator[Option]:
    excluded = []
    if reading.env.get("REDIS_EXPORTER_CONFIG_COMMAND") == "-":
        excluded += ["config_values", "config_dump"]
    if reading.flag("REDIS_EXPORTER_EXCLUDE_SLOWLOG_METRICS"):
        excluded.append("slowlog")
    if reading.flag("REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS"):
        excluded += ["latency", "latency_histogram"]
    if reading.is_off("REDIS_EXPORTER_INCL_METRICS_FOR_EMPTY_DATABASES"):
        excluded.append("empty_databases")
    if excluded:
        yield "REDIS_EXPORTER_CONFIG_COMMAND", ("sections", "exclude"), excluded
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
