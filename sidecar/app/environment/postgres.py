"""The environment variables of postgres_exporter."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from sidecar.app.environment.reading import Option, Reading
from sidecar.collect.postgres.dsn import parse_dsn
from sidecar.model.errors import TargetError
from sidecar.model.yaml.document import Path

SUPPORTED = frozenset(
    {
        "PG_EXPORTER_AUTO_DISCOVER_DATABASES",
        "PG_EXPORTER_COLLECTION_TIMEOUT",
        "PG_EXPORTER_DISABLE_DEFAULT_METRICS",
        "PG_EXPORTER_DISABLE_SETTINGS_METRICS",
        "PG_EXPORTER_EXCLUDE_DATABASES",
        "PG_EXPORTER_EXTEND_QUERY_PATH",
        "PG_EXPORTER_INCLUDE_DATABASES",
        "PG_EXPORTER_WEB_LISTEN_ADDRESS",
    }
)

BUILT_IN = ("stat_activity", "stat_archiver", "stat_database_conflicts", "stat_replication")
"""What the exporter's releases ask for beside its collectors, which PG_EXPORTER_DISABLE_DEFAULT_METRICS leaves on."""

EXCLUDED: Path = ("views", "exclude")

_BETWEEN = re.compile(r",(?=\s*(?:postgres(?:ql)?(?:\+\w+)?://|\w+\s*=))", re.IGNORECASE)
"""A comma before the start of another DSN; one inside of a DSN is its own."""
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_PLACE: Path = ("postgres",)


def postgres_targets(reading: Reading) -> list[dict[str, Any]]:
    """Return the targets that the environment names, with the exporter's settings in each."""
    return reading.apply("postgres", _sources(reading), _options(reading))


def _sources(reading: Reading) -> list[dict[str, Any]]:
    name = reading.first(_PLACE, "DATA_SOURCE_NAME")
    if name:
        return _several([dsn.strip() for dsn in _BETWEEN.split(name)])
    url = reading.first(_PLACE, "DATABASE_URL")
    if url:
        return [{"dsn": url}]
    file = reading.first(_PLACE, "DATA_SOURCE_NAME_FILE")
    if file:
        return [{"dsn_file": file}]
    uri = reading.first(_PLACE, "DATA_SOURCE_URI") or reading.content("DATA_SOURCE_URI_FILE")
    return [_source_at(reading, uri)] if uri else []


def _source_at(reading: Reading, uri: str) -> dict[str, Any]:
    user = reading.env.get("DATA_SOURCE_USER") or reading.content("DATA_SOURCE_USER_FILE")
    password = reading.env.get("DATA_SOURCE_PASS", "")
    login = f"{quote(user, safe='')}{':' + quote(password, safe='') if password else ''}@" if user else ""
    return {"dsn": f"postgresql://{login}{uri}"} | reading.named({"password_file": "DATA_SOURCE_PASS_FILE"})


def _several(dsns: list[str]) -> list[dict[str, Any]]:
    """Return a target for each of `dsns`; several are named after their hosts, a host's second with a number."""
    if len(dsns) == 1:
        return [{"dsn": dsns[0]}]
    targets: list[dict[str, Any]] = []
    for dsn in dsns:
        name = wanted = _name_of(dsn)
        count = 1
        while any(target["name"] == name for target in targets):
            count += 1
            name = f"{wanted}-{count}"
        targets.append({"dsn": dsn, "name": name})
    return targets


def _name_of(dsn: str) -> str:
    try:
        server = parse_dsn(dsn).server.removesuffix(":5432").lower()
    except TargetError:
        return "postgres"
    name = _NOT_IN_NAMES.sub("-", server).strip("-_")[:50]
    return name if name[:1].isalpha() else f"postgres-{name}".rstrip("-")


def _options(reading: Reading) -> Iterator[Option]:
    yield from reading.flag_options({"PG_EXPORTER_AUTO_DISCOVER_DATABASES": ("databases", "discover")})
    yield from reading.list_option("PG_EXPORTER_INCLUDE_DATABASES", ("databases", "include"))
    yield from reading.list_option("PG_EXPORTER_EXCLUDE_DATABASES", ("databases", "exclude"))
    yield from reading.list_option("PG_EXPORTER_EXTEND_QUERY_PATH", ("queries",))
    yield from reading.duration_option("PG_EXPORTER_COLLECTION_TIMEOUT")
    if reading.flag("PG_EXPORTER_DISABLE_DEFAULT_METRICS"):
        yield "PG_EXPORTER_DISABLE_DEFAULT_METRICS", EXCLUDED, list(BUILT_IN)
    if reading.flag("PG_EXPORTER_DISABLE_SETTINGS_METRICS"):
        yield "PG_EXPORTER_DISABLE_SETTINGS_METRICS", EXCLUDED, ["settings"]
