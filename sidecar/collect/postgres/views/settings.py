"""Every numeric and boolean setting of the server, from pg_settings, in base units."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.session_settings import all_names
from sidecar.collect.postgres.view import Row, Server, View
from sidecar.collect.postgres.wire import spelled_number
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

# What our own session sets shows its value outside; not for all: `reset_val` writes some otherwise (511 for 0777).
SQL = f"""
SELECT name, unit, vartype,
       CASE WHEN name IN ({", ".join(f"'{name}'" for name in all_names())}) THEN reset_val ELSE setting END AS setting
  FROM pg_catalog.pg_settings
 WHERE vartype IN ('bool', 'integer', 'real')
 ORDER BY name
"""  # noqa: S608 - our own names

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

_SIZE = re.compile(r"(?P<count>\d*)(?P<prefix>[kMGT]?)B")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")

EXAMPLE = Family("pg_settings_<name>[_bytes|_seconds]", MetricType.GAUGE, "Value of the setting in base units.")
"""Stands in the reference for the families, whose names depend on the server."""


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one family per setting; one whose unit is unknown is left out rather than misread."""
    for row in rows:
        base = _base_unit(row["unit"])
        if base is not None:
            name, factor = base
            family = _family(row["name"], name)
            yield FamilySamples(family, [Sample(family.name, (), _value(row["setting"], factor))])


@lru_cache(maxsize=2000)
def _family(setting: str, unit: str) -> Family:
    name = f"pg_settings_{_NOT_IN_NAMES.sub('_', setting)}{'_' if unit else ''}{unit}"
    return Family(name, MetricType.GAUGE, f"Server setting {setting}{' in ' if unit else ''}{unit}.")


@lru_cache(maxsize=100)
def _base_unit(unit: str | None) -> tuple[str, float] | None:
    """Return base unit and factor of a unit such as `8kB`, `MB` or `min`."""
    if not unit:
        return "", 1.0
    if unit in SECONDS:
        return "seconds", SECONDS[unit]
    match = _SIZE.fullmatch(unit)
    return ("bytes", float(int(match["count"] or 1) * BYTES[match["prefix"]])) if match else None


def _value(setting: str, factor: float) -> float:
    if setting in {"on", "off"}:
        return float(setting == "on")
    value = spelled_number(setting)
    # -1 means "no limit" or "as another setting says" in every unit.
    return value if value == -1 else value * factor


class Unchanged:
    """Converts anew only when a row differs: settings are many and hardly ever change."""

    def __init__(self) -> None:
        self._rows: Sequence[Row] = ()
        self._families: list[FamilySamples] = []

    def convert(self, rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        """Return what `convert` makes of `rows`."""
        if rows != self._rows:
            self._rows, self._families = rows, list(convert(rows, server))
        return self._families


def _adapt(config: PostgresConfig) -> View:
    return replace(VIEW, convert=Unchanged().convert)


VIEW = View(
    name="settings",
    sql={90200: SQL},
    families=(EXAMPLE,),
    convert=convert,
    adapt=_adapt,
    probe=convert,
    preset=Preset.MINIMAL,
)
