"""Queries of the operator's own, of each Postgres target: known only once the collectors are imported."""

from collections.abc import Sequence

from sidecar.app.config import SidecarConfig
from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.app.source import ConfigSource
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.load import load_queries
from sidecar.collect.postgres.queries.query import Query
from sidecar.collect.postgres.queries.views import given_by, overlaps, views_of
from sidecar.collect.postgres.view import View
from sidecar.model.errors import ConfigError, Mistakes
from sidecar.model.yaml.config import Located
from sidecar.runtime.events import Events

Queries = dict[str, tuple[Query, ...]]
"""The queries of each target by its name."""


def read_queries(source: ConfigSource, located: Located[SidecarConfig]) -> Queries:
    """Return the queries of the files that the configuration names; raise ConfigError with every problem."""
    queries: Queries = {}
    mistakes = Mistakes()
    for index, target in enumerate(located.config.postgres):
        queries[target.name] = _queries(source, located, index, mistakes)
    if mistakes.problems:
        # Targets may share a file.
        raise ConfigError(list(dict.fromkeys(mistakes.problems)))
    return queries


def with_queries(queries: Sequence[Query], config: PostgresConfig, events: Events) -> Sequence[View]:
    """Return all views and one for each of `queries`; what a view gives already is told and not given twice."""
    given = given_by(POSTGRES_VIEWS, config)
    for query in queries:
        for overlap in overlaps(query, given, f"postgres/{config.name}"):
            events.emit(overlap)
    return (*POSTGRES_VIEWS, *views_of(queries, config, given))


def _queries(
    source: ConfigSource, located: Located[SidecarConfig], index: int, mistakes: Mistakes
) -> tuple[Query, ...]:
    files = []
    for path in source.query_files(located, index, mistakes.problems.append):
        with mistakes:
            files.append((str(path), source.texts.read(path)))
    names = {view.name for view in POSTGRES_VIEWS}
    with mistakes:
        return load_queries(files, names, located.config.postgres[index].timeout_seconds)
    return ()
