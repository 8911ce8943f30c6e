"""docs/reference/metrics.md: every family that can be on /metrics, from the code that makes it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from sidecar import logs, metrics, spans
from sidecar.app.build import build_parts, build_stores
from sidecar.app.config import SidecarConfig
from sidecar.app.files import Files
from sidecar.app.foundation import lay_foundation
from sidecar.app.registry import POSTGRES_VIEWS, REDIS_SECTIONS
from sidecar.app.reload import ReloadGauges
from sidecar.app.source import ConfigSource
from sidecar.collect.config import Preset
from sidecar.collect.postgres import summary as postgres_summary
from sidecar.collect.postgres.queries.convert import ROWS_LEFT_OUT
from sidecar.collect.postgres.view import View
from sidecar.collect.redis import summary as redis_summary
from sidecar.collect.redis.section import AnySection, Section
from sidecar.collect.self import families_of
from sidecar.model.family import Family
from sidecar.runtime.clock import SystemClock

EVERYTHING = {
    "postgres": [{"dsn": "postgresql://h"}],
    "redis": [{"url": "redis://h"}],
    "app_metrics": [{"url": "http://h"}],
    "probes": {"checks": [{"kind": "http", "url": "http://h"}, {"kind": "tcp", "name": "port", "address": "h:1"}]},
    "alertmanagers": [{"url": "http://h"}, {"dns": {"name": "a"}}],
    "webhooks": [{"name": "chat", "kind": "slack", "url": "http://h"}],
    "dead_man": {"url": "http://h"},
    "telemetry": {"endpoint": "http://h"},
    "forward": {"endpoint": "http://h"},
    "state": {"path": "state.db"},
}
"""One of each: what it puts on its meter is in the reference."""

INTRODUCTION = """# Metrics

Generated from the code that makes them; do not edit. Types are those of the text format; labels that every series of
a target gets (`target`, where several of a kind are configured) are left out. What differs from the exporters of the
same names is in [Exporter parity](exporter-parity.md).
"""

RECEIVED = "Metrics of an app are called as [it says there](../otlp-metrics.md); about them and the log records:"


def metrics_reference() -> str:
    """Return docs/reference/metrics.md."""
    lines = [
        INTRODUCTION,
        "## Postgres",
        "",
        "About each scrape:",
        "",
        *table((*postgres_summary.FAMILIES, ROWS_LEFT_OUT)),
    ]
    for view in POSTGRES_VIEWS:
        lines += [f"### `{view.name}`", "", f"{heading(view)} {view_facts(view)}", "", *table(view.families)]
    lines += ["## Redis and Valkey", "", "About each scrape:", "", *table(redis_summary.FAMILIES)]
    for section in REDIS_SECTIONS:
        lines += [f"### Section `{section.name}`", "", section_facts(section), "", *table(section.families)]
    lines += ["## Spans", "", "From received spans:", "", *table(families_in(spans))]
    lines += ["## Received metrics and logs", "", RECEIVED, "", *table([*families_in(metrics), *families_in(logs)])]
    lines += ["## The sidecar itself", "", *table(own_families())]
    return "\n".join(lines).rstrip() + "\n"


def heading(view: View) -> str:
    """Return the first sentence of the view's module, which says what it is about."""
    text = import_module(view.convert.__module__).__doc__ or ""
    return " ".join(text.split("\n\n")[0].split())


def view_facts(view: View) -> str:
    """Return when and where the view is asked."""
    facts = [] if min(view.sql) <= 100000 else [f"Postgres {min(view.sql) // 10000} and newer."]
    facts += [preset_text(view.preset)]
    facts += ["Asked in each visited database."] if view.schedule.per_database else []
    facts += [f"Asked every {view.schedule.every_seconds:g} s."] if view.schedule.every_seconds else []
    return " ".join(facts)


def section_facts(section: AnySection) -> str:
    """Return which commands the section needs, and when it is collected."""
    if isinstance(section, Section):
        return "INFO. " + preset_text(section.preset)
    if callable(section.permissions):
        return "When configured; which ACL rules it needs depends on that. " + preset_text(section.preset)
    return f"Needs {', '.join(f'`{rule}`' for rule in section.permissions)}. " + preset_text(section.preset)


def preset_text(preset: Preset) -> str:
    """Return from which preset on something is collected."""
    return {
        Preset.MINIMAL: "In every preset.",
        Preset.BASIC: "On by default.",
        Preset.FULL: "Off by default: preset `full`, or by `include`.",
    }[preset]


def table(families: Iterable[Family]) -> Iterator[str]:
    """Yield the lines of a table of `families`, and an empty one."""
    yield "| name | type | labels | meaning |"
    yield "|---|---|---|---|"
    for family in families:
        labels = ", ".join(f"`{name}`" for name in family.labels)
        yield f"| `{family.name}` | {family.type} | {labels} | {family.help.replace('|', chr(92) + '|')} |"
    yield ""


def families_in(package: ModuleType) -> list[Family]:
    """Return the families that the modules of `package` declare."""
    modules = [import_module(found.name) for found in walk_packages(package.__path__, f"{package.__name__}.")]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, Family)}
    return sorted(found, key=lambda family: family.name)


def own_families() -> list[Family]:
    """Return what the parts of a configuration with everything in it put on their meter; nothing is opened."""
    config = SidecarConfig.model_validate(EVERYTHING)
    base = lay_foundation(config, SystemClock())
    ReloadGauges(base.meter)
    files = Files((), {target.name: () for target in config.postgres})
    for part in build_parts(config, files, ConfigSource(None, {}), build_stores(config, base), base):
        part.make()
    found = []
    for family, samples in families_of(base.meter.registry):
        shown = {name for sample in samples for name, _ in sample.labels} - {"le"}
        labels = base.meter.label_names(family.name) or sorted(shown)
        found.append(replace(family, labels=tuple(labels)))
    return sorted(found, key=lambda family: family.name)
