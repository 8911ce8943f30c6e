"""From the queries of one target to its views."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.convert import Conversion
from sidecar.collect.postgres.queries.query import Query
from sidecar.collect.postgres.queries.statement import first_row, limited
from sidecar.collect.postgres.queries.versions import Versions, at_least, at_most, by_version, parse_versions
from sidecar.collect.postgres.session import STATEMENT_SHARE_OF_TIMEOUT
from sidecar.collect.postgres.summary import FAMILIES
from sidecar.collect.postgres.view import Limits, Schedule, View
from sidecar.runtime.events import Event, Events


@dataclass(frozen=True, slots=True)
class QueryOverlaps(Event):
    """A query gives metrics that a collector gives already; the collector's stay, for twice they would add up."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = (
        "Target `{target}`: of query `{query}`, {metrics} left out, for `{collectors}` gives them already. "
        "To have the query's own, exclude that in `views`."
    )
    identity: ClassVar[tuple[str, ...]] = ("target", "query")
    target: str
    query: str
    metrics: str
    collectors: str


def given_by(views: Iterable[View], config: PostgresConfig) -> dict[str, str]:
    """Return the names of all families that `config` collects without queries, and the collector that gives each."""
    selected = (view.for_target(config) for view in views if config.views.selects(view.name, view.preset))
    ours = {family.name: "the scrape itself" for family in FAMILIES}
    return ours | {family.name: view.name for view in selected for family in view.families}


def overlaps(query: Query, given: Mapping[str, str], target: str) -> Iterator[QueryOverlaps]:
    """Yield what is to be told when others give families of `query` already."""
    twice = [family.name for family in query.families().values() if family.name in given]
    if twice:
        collectors = ", ".join(dict.fromkeys(given[name] for name in twice))
        yield QueryOverlaps(target, query.namespace, _listed(twice), collectors)


def views_of(queries: Iterable[Query], config: PostgresConfig, given: Mapping[str, str]) -> Iterator[View]:
    """Yield a view for each query that has anything to give beside what is `given`."""
    for query in queries:
        families = query.families().values()
        if not families or any(family.name not in given for family in families):
            yield _view(query, config, given)


def with_queries(
    views: Sequence[View], queries: Sequence[Query], config: PostgresConfig, events: Events
) -> Sequence[View]:
    """Return `views` and one for each of `queries`; what a view gives already is told and not given twice."""
    given = given_by(views, config)
    for query in queries:
        for overlap in overlaps(query, given, f"postgres/{config.name}"):
            events.emit(overlap)
    return (*views, *views_of(queries, config, given))


def _view(query: Query, config: PostgresConfig, given: Mapping[str, str]) -> View:
    conversion = Conversion(query, given)
    own = query.config
    # Never without limits of its own: with them a statement runs in a read-only transaction, come what may.
    seconds = own.timeout_seconds or config.timeout_seconds * STATEMENT_SHARE_OF_TIMEOUT
    return View(
        name=query.namespace,
        sql=by_version(limited(own.query, own.max_rows), _ranges(query)),
        families=conversion.families(),
        convert=conversion,
        limited=True,
        preset=Preset.MINIMAL,
        schedule=Schedule(per_database=query.per_database, every_seconds=query.every_seconds, slow=True),
        limits=Limits(statement_seconds=seconds, roles_names=True),
        predicate=first_row(own.predicate) if own.predicate else None,
        operators_own=True,
    )


def _ranges(query: Query) -> Iterator[Versions]:
    own = query.config
    if own.runonserver:
        yield parse_versions(own.runonserver)
    if own.min_version:
        yield at_least(own.min_version)
    if own.max_version:
        yield at_most(own.max_version)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(f'`{name}`' for name in names)} {'is' if len(names) == 1 else 'are'}"
