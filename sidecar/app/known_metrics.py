"""Which series a configuration gives, for the lint of rules: what the collectors and the spans declare.

What an app sends or shows by itself is not known before it does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

from sidecar.app.config import SidecarConfig
from sidecar.app.registry import POSTGRES_VIEWS, REDIS_SECTIONS
from sidecar.collect.config import Preset, Selection
from sidecar.collect.postgres import summary as postgres_summary
from sidecar.collect.postgres.aliases import aliased
from sidecar.collect.postgres.queries.convert import ROWS_LEFT_OUT
from sidecar.collect.postgres.view import View
from sidecar.collect.redis import summary as redis_summary
from sidecar.collect.redis.section import AnySection
from sidecar.model.family import Family
from sidecar.model.yaml.validation import suggestion
from sidecar.rules.lint.facts import Facts, types_of
from sidecar.spans.config import Names, SpansConfig
from sidecar.spans.red import span_families

_OURS = ("pg_", "redis_", "traces_span_metrics_", "traces_spanmetrics_")
"""What the names begin with that only the sidecar gives here."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """What gives families: `given` is whether the configuration has it on, `reason` what to say if not."""

    families: Iterable[Family]
    given: bool
    reason: str


def facts_of(config: SidecarConfig | None) -> Facts:
    """Return what is known of the series that `config` gives; without one only what is a counter."""
    origins = list(_origins(config or SidecarConfig()))
    types = dict(pair for origin in origins for family in origin.families for pair in types_of(family))
    if config is None:
        return Facts(types)
    given = {name for origin in origins if origin.given for name in _names(origin)}
    reasons = {name: origin.reason for origin in reversed(origins) if not origin.given for name in _names(origin)}
    open_ended = bool(config.otlp.http.listen or config.otlp.grpc.listen or config.app_metrics)
    own_queries = any(target.queries for target in config.postgres)

    def missing(name: str) -> str:
        if name in given:
            return ""
        if name in reasons:
            return reasons[name]
        if name.startswith(_OURS) and not own_queries:
            return f"none of ours is called so{_nearest(name, given)}"
        ours = name.startswith(("sidecar_", "prometheus_", "process_", "python_"))
        return "" if open_ended or own_queries or ours else f"nothing here gives it{_nearest(name, given)}"

    return Facts(types, missing, config.head.retention_seconds * 1000)


def _origins(config: SidecarConfig) -> Iterator[_Origin]:
    postgres, redis = config.postgres, config.redis
    yield _Origin((*postgres_summary.FAMILIES, ROWS_LEFT_OUT), bool(postgres), "no Postgres is configured")
    for view in POSTGRES_VIEWS:
        on = any(_selects(target.views, view) for target in postgres)
        yield _Origin(view.families, on, _unselected("view", "postgres[].views", view, on=bool(postgres)))
        old = [family for family in aliased(view).families if family not in view.families]
        has_aliases = any(target.compat_aliases and _selects(target.views, view) for target in postgres)
        yield _Origin(old, has_aliases, "it is an old name, given with `compat_aliases`")
    yield _Origin(redis_summary.FAMILIES, bool(redis), "no Redis is configured")
    for section in REDIS_SECTIONS:
        on = any(_selects(target.sections, section) for target in redis)
        yield _Origin(section.families, on, _unselected("section", "redis[].sections", section, on=bool(redis)))
    yield _Origin(span_families(config.spans), given=True, reason="")
    for names in get_args(Names):
        other = SpansConfig(names=names)
        reason = f"it is a name of `spans.names: {names}`, configured is `{config.spans.names}`"
        if names == config.spans.names:
            reason = f"`spans.namespace` is `{config.spans.namespace}`"
        yield _Origin(span_families(other), given=False, reason=reason)


def _selects(selection: Selection, what: View | AnySection) -> bool:
    return selection.selects(what.name, what.preset)


def _unselected(kind: str, key: str, what: View | AnySection, *, on: bool) -> str:
    server = "Postgres" if kind == "view" else "Redis"
    if not on:
        return f"no {server} is configured"
    hint = f"; `{key}.include` selects it" if what.preset is Preset.FULL else ""
    return f"{kind} `{what.name}` is not selected{hint}"


def _names(origin: _Origin) -> Iterator[str]:
    return (name for family in origin.families for name, _ in types_of(family))


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the nearest of the known names, if one is near: there are too many to name all."""
    text = suggestion(name, sorted(known))
    return text if text.startswith("; did you mean") else ""
