"""Environment variables of the exporters that are set and change nothing here: each is told once, with the reason."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sidecar.app.environment.postgres import SUPPORTED as POSTGRES
from sidecar.app.environment.reading import LONGEST_SECONDS
from sidecar.app.environment.redis import SUPPORTED as REDIS
from sidecar.app.environment.variables import FALSE, POD_LISTEN, TRUE, first_set
from sidecar.model.go_duration import parse_go_duration
from sidecar.runtime.events import Event


@dataclass(frozen=True, slots=True)
class VariableIgnored(Event):
    """A variable of an exporter asks for what the sidecar does not do."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Environment variable `{variable}` is ignored: {reason}."
    identity: ClassVar[tuple[str, ...]] = ("variable",)
    variable: str
    reason: str


class _Ignored(NamedTuple):
    """Why a variable is ignored, and the values, in lower case, that ask for nothing else than what is done anyway."""

    reason: str
    same: frozenset[str] = frozenset()


_PATH = _Ignored("metrics are at /metrics", frozenset({"/metrics"}))
_LISTENER = _Ignored("the listener speaks plain HTTP and asks for no password; put a proxy before it")
_GROUPS = _Ignored("keys are not grouped")
_CLIENTS = _Ignored("clients are not listed", FALSE)

IGNORED: dict[str, _Ignored] = {
    "PG_EXPORTER_CONSTANT_LABELS": _Ignored("labels of all series are added where the sidecar is scraped"),
    "PG_EXPORTER_METRIC_PREFIX": _Ignored("metrics keep the prefix `pg`", frozenset({"pg"})),
    "PG_EXPORTER_WEB_TELEMETRY_PATH": _PATH,
    "REDIS_EXPORTER_APPEND_INSTANCE_ROLE_LABEL": _Ignored("the role is a label of `redis_instance_info` only", FALSE),
    "REDIS_EXPORTER_BASIC_AUTH_HASH_PASSWORD": _LISTENER,
    "REDIS_EXPORTER_BASIC_AUTH_PASSWORD": _LISTENER,
    "REDIS_EXPORTER_BASIC_AUTH_USERNAME": _LISTENER,
    "REDIS_EXPORTER_CHECK_KEYS_BATCH_SIZE": _Ignored("the sidecar chooses how far a SCAN goes"),
    "REDIS_EXPORTER_CHECK_KEY_GROUPS": _GROUPS,
    "REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT": _Ignored("/scrape shows no other targets than the configured", FALSE),
    "REDIS_EXPORTER_EXPORT_CLIENT_LIST": _CLIENTS,
    "REDIS_EXPORTER_EXPORT_CLIENT_PORT": _CLIENTS,
    "REDIS_EXPORTER_INCL_MODULES_METRICS": _Ignored("modules are not asked", FALSE),
    "REDIS_EXPORTER_IS_CLUSTER": _Ignored("a node is asked for its own keys; make each node a target", FALSE),
    "REDIS_EXPORTER_IS_TILE38": _Ignored("Tile38 is not supported", FALSE),
    "REDIS_EXPORTER_MAX_DISTINCT_KEY_GROUPS": _GROUPS,
    "REDIS_EXPORTER_NAMESPACE": _Ignored("metrics keep the prefix `redis`", frozenset({"redis"})),
    "REDIS_EXPORTER_REDACT_CONFIG_METRICS": _Ignored("secrets are never shown", TRUE),
    "REDIS_EXPORTER_REDIS_ONLY_METRICS": _Ignored("the sidecar's own metrics are on the same page", FALSE),
    "REDIS_EXPORTER_SCRIPT": _Ignored("no scripts are run"),
    "REDIS_EXPORTER_SET_CLIENT_NAME": _Ignored("the connection has no name", FALSE),
    "REDIS_EXPORTER_SKIP_CHECKKEYS_FOR_ROLE_MASTER": _Ignored("primaries are asked for keys too", FALSE),
    "REDIS_EXPORTER_TLS_SERVER_CA_CERT_FILE": _LISTENER,
    "REDIS_EXPORTER_TLS_SERVER_CERT_FILE": _LISTENER,
    "REDIS_EXPORTER_TLS_SERVER_KEY_FILE": _LISTENER,
    "REDIS_EXPORTER_TLS_SERVER_MIN_VERSION": _LISTENER,
    "REDIS_EXPORTER_TLS_SERVER_NAME": _Ignored("the certificate must be for the host in `REDIS_ADDR`"),
    "REDIS_EXPORTER_WEB_TELEMETRY_PATH": _PATH,
}

_PARTLY: dict[str, str] = {
    "REDIS_EXPORTER_CHECK_KEYS": "of keys found by pattern the size is shown, never the value",
    "REDIS_EXPORTER_CHECK_SINGLE_KEYS": "a value that is no number is not shown; a configuration file can ask for it",
}
"""What is done, but for a part; not when values are not wanted either."""

_PREFIX = re.compile(r"(?:PG|REDIS)_EXPORTER_")
_OF_KUBERNETES = re.compile(r"(?:PG|REDIS)_EXPORTER_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_\w+)?")
"""A Service that is called `redis-exporter` puts these into every pod."""


def ignored_variables(env: Mapping[str, str]) -> Iterator[VariableIgnored]:
    """Yield each variable of `env` that an exporter would heed and the sidecar does not; never its value."""
    yield from _exporters(env)
    yield from _capped(env)
    yield from _not_listened_on(env)


def _exporters(env: Mapping[str, str]) -> Iterator[VariableIgnored]:
    shows_values = env.get("REDIS_EXPORTER_DISABLE_EXPORTING_KEY_VALUES", "").lower() not in TRUE
    for name in sorted(name for name in env if _PREFIX.match(name) and env[name]):
        if name in IGNORED:
            if env[name].lower() not in IGNORED[name].same:
                yield VariableIgnored(name, IGNORED[name].reason)
        elif name in _PARTLY and shows_values:
            yield VariableIgnored(name, f"in part: {_PARTLY[name]}")
        elif name == "REDIS_EXPORTER_CONFIG_COMMAND" and env[name].upper() not in {"CONFIG", "-"}:
            yield VariableIgnored(name, "the command is called CONFIG; `-` asks for no settings")
        elif name not in POSTGRES | REDIS and not _OF_KUBERNETES.fullmatch(name):
            yield VariableIgnored(name, "it is not known here")


def _capped(env: Mapping[str, str]) -> Iterator[VariableIgnored]:
    for name in ("PG_EXPORTER_COLLECTION_TIMEOUT", "REDIS_EXPORTER_CONNECTION_TIMEOUT"):
        if env.get(name) and parse_go_duration(env[name]) > LONGEST_SECONDS:
            yield VariableIgnored(name, f"in part: a scrape takes {LONGEST_SECONDS:g} s at most")


def _not_listened_on(env: Mapping[str, str]) -> Iterator[VariableIgnored]:
    """Yield the addresses that are not the one at which everything is."""
    used, address = first_set(env, *POD_LISTEN)
    for name in POD_LISTEN:
        if env.get(name) and env[name] != address:
            yield VariableIgnored(name, f"all metrics are at `{address}`, which `{used}` says")
