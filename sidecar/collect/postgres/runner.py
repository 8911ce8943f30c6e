"""The Postgres runner: every view for itself, slow ones last.

One connection to the database of the DSN is kept; where others are discovered, one more at a time visits them.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from typing_extensions import override

from sidecar.collect.events import MonitorRoleMissing, NamesSummed, PoolerInBetween
from sidecar.collect.postgres.aliases import aliased
from sidecar.collect.postgres.ask import ask
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.connection import Connector
from sidecar.collect.postgres.databases import DATABASES_SQL, choose, connectable
from sidecar.collect.postgres.encodings import escaped
from sidecar.collect.postgres.kept import KeptValues
from sidecar.collect.postgres.label_sets import BoundedLabelSets
from sidecar.collect.postgres.reading import read
from sidecar.collect.postgres.session import Session
from sidecar.collect.postgres.summary import server_families, summary_of, visit_families
from sidecar.collect.postgres.telling import Telling
from sidecar.collect.postgres.view import Notes, Row, Server, View
from sidecar.collect.runner import CollectorResult, Scrape, ScrapeContext, Target, TargetRunner
from sidecar.model.errors import OperatorError, TargetError
from sidecar.model.family import FamilySamples

SERVER_SQL = """
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version,
       pg_catalog.version() AS version_text, pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS can_monitor,
       pg_catalog.pg_backend_pid() AS backend_pid
"""

GRANT_SQL = "SELECT ('GRANT pg_monitor TO ' || quote_ident(current_user) || ';') AS grant_line"


VISITS_SHARE = 0.5
"""Of the time that is left, for what is quick in other databases: what is slow in our own comes after it."""

VISIT_SHARE = 0.25
"""Of the time for visits that is left, for one of them, connecting included: one that hangs is one that fails."""

STATEMENT_SHARE_OF_VISIT = 0.5
"""Of the time of a visit, for one statement; one that begins when less is left takes a transaction to be told so."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where views are asked: in a database (None: the DSN's) of `server`, and `until` when, monotonic."""

    session: Session
    server: Server
    until: float
    database: str | None = None


class PostgresRunner(TargetRunner):
    """Scrapes one server with those of `views` that the configuration selects.

    Raises OperatorError for a name in the configuration that no view has.
    """

    kind: ClassVar[str] = "postgres"

    def __init__(self, config: PostgresConfig, views: Sequence[View], target: Target, context: ScrapeContext) -> None:
        unknown = config.views.unknown(view.name for view in views)
        if unknown:
            known = ", ".join(view.name for view in views)
            raise OperatorError(f"postgres `{config.name}`: no view is called `{unknown[0]}`; there are {known}")
        super().__init__(target, config.timeout_seconds, context)
        selected = [view.for_target(config) for view in views if config.views.selects(view.name, view.preset)]
        if config.compat_aliases:
            selected = [aliased(view) for view in selected]
        self._views = sorted((view for view in selected if view.sql), key=_order)
        self._databases = config.databases
        self._connector = Connector(config, context.events.emit)
        self._session: Session | None = None
        self._visit: Session | None = None
        self._kept = KeptValues()
        self._label_sets = BoundedLabelSets()
        self._summed: set[str] = set()
        self._unseen: set[str] = set()
        self._telling = Telling(self.name, target.name, context.events.emit, context.meter)

    @override
    async def run(self, ready: Callable[[], None]) -> None:
        try:
            self._telling.begin()
            await super().run(ready)
        finally:
            self._telling.end()

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        until = self._clock.monotonic() + self._timeout_seconds
        self._unseen = set()
        scrape.results = {view.name: CollectorResult() for view in self._views}
        session, row = await self._greeted()
        server = Server(row["version"], row["version_text"], self._connector.address, row["can_monitor"])
        await self._tell_what_is_not_seen(server, session)
        scrape.up = True
        scrape.families += server_families(server)
        views = [view for view in self._views if view.sql_for(server.version)]
        scrape.results = {view.name: scrape.results[view.name] for view in views}
        await self._collect_everywhere(views, Place(session, server, until), scrape)

    async def _collect_everywhere(self, views: Sequence[View], home: Place, scrape: Scrape) -> None:
        """Ask what is quick first, at home and in the other databases, and then what may take long."""
        slow = [view for view in views if view.schedule.slow]
        quick = [view for view in views if not view.schedule.slow]
        await self._collect_all(quick, home, scrape)
        databases = await self._databases_to_visit(views, home, scrape)
        half = self._clock.monotonic() + self._left(home) * VISITS_SHARE
        await self._visit_all(databases, quick, replace(home, until=half), scrape)
        await self._collect_all(slow, home, scrape)
        await self._visit_all(databases, slow, home, scrape)

    def _left(self, place: Place) -> float:
        """Return the seconds that are left at `place`."""
        return place.until - self._clock.monotonic()

    async def _greeted(self) -> tuple[Session, Row]:
        """Return the session and what the server says of itself; a kept connection may have died unnoticed."""
        if self._session is not None and not self._session.is_closed():
            try:
                return self._session, _only(await self._session.fetch(SERVER_SQL))
            except Exception:  # noqa: BLE001 - whatever it was, a new connection shows whether it is there still
                self._drop_connection()
        self._session = await self._connector.connect()
        row = await self._session.greet(SERVER_SQL)
        await self._session.set_up(row["backend_pid"])
        if any(view.operators_own for view in self._views):
            await self._session.learn_currency()
        if self._session.pooled:
            self._telling.once(PoolerInBetween(self.name))
        return self._session, row

    async def _tell_what_is_not_seen(self, server: Server, session: Session) -> None:
        if not server.can_monitor and not self._telling.was_told(MonitorRoleMissing):
            self._telling.once(MonitorRoleMissing(self.name, _only(await session.fetch(GRANT_SQL))["grant_line"]))

    async def _collect_all(self, views: Iterable[View], place: Place, scrape: Scrape) -> None:
        for view in views:
            if self._kept.is_due(view, place.database, self._clock.monotonic()):
                await self._collect(view, place, scrape)
            else:
                scrape.results[view.name].note(self._kept.succeeded(view, place.database), 0.0)

    async def _collect(self, view: View, place: Place, scrape: Scrape) -> None:
        started = self._clock.monotonic()
        name = _name_of(view, place)
        success = False
        try:
            await self._ask(view, place, scrape, started)
            success = True
            self._failing.discard(name)
        except Exception as error:
            # One view's trouble is its own, unless the connection went with it.
            if place.session.is_closed():
                raise
            self._collector_failed(name, error)
        finally:
            scrape.results[view.name].note(success, self._clock.monotonic() - started)

    async def _ask(self, view: View, place: Place, scrape: Scrape, now: float) -> None:
        if view.schedule.every_seconds:
            self._kept.ask(view, place.database, now)
        rows = await ask(view, place.server.version, place.session, self._left(place))
        server = replace(place.server, notes=Notes())
        families: Sequence[FamilySamples] = [] if rows is None else read(view, rows, server)
        self._telling.notes(_name_of(view, place), server.notes)
        if not view.limited:
            families = self._label_sets.bounded(view.name, families)
        if view.schedule.every_seconds:
            self._kept.keep(view, place.database, families, now)
        else:
            scrape.families += families

    async def _databases_to_visit(self, views: Iterable[View], home: Place, scrape: Scrape) -> Sequence[str]:
        """Return the other databases, at each scrape from another one on: one that is slow takes from all after it."""
        per_database = [view for view in views if view.schedule.per_database]
        if not self._databases.discover or not per_database:
            return ()
        try:
            rows = await home.session.fetch(DATABASES_SQL, left_seconds=self._left(home))
        except Exception as error:
            if home.session.is_closed():
                raise
            self._not_seen("databases", per_database, error, scrape)
            return ()
        self._failing.discard("databases")
        found, others = connectable(row["name"] for row in rows)
        self._telling.not_visited(others)
        visits = choose(found, self._databases)
        scrape.families += visit_families(visits.left_out)
        self._kept.forget_all_but(visits.databases)
        first = self.scrapes % max(1, len(visits.databases))
        return (*visits.databases[first:], *visits.databases[:first])

    async def _visit_all(self, databases: Iterable[str], views: Iterable[View], home: Place, scrape: Scrape) -> None:
        """Ask those of `views` that are per database in each of `databases`, through one connection after the other."""
        views = [view for view in views if view.schedule.per_database]
        for database in databases:
            now = self._clock.monotonic()
            due = [view for view in views if self._kept.is_due(view, database, now)]
            for view in views:
                if view not in due:
                    scrape.results[view.name].note(self._kept.succeeded(view, database), 0.0)
            if due:
                await self._visit_one(database, due, home, scrape)

    async def _visit_one(self, database: str, views: Sequence[View], home: Place, scrape: Scrape) -> None:
        name = f"database {database}"
        if name in self._unseen:
            self._note_failed(views, scrape)
            return
        place = replace(home, until=self._clock.monotonic() + self._left(home) * VISIT_SHARE, database=database)
        try:
            async with asyncio.timeout(self._left(place)):
                await self._visit_place(place, views, scrape)
            self._failing.discard(name)
        except TimeoutError:
            self._not_seen(name, views, TargetError("it took longer than its share of the time"), scrape)
        except Exception as error:  # noqa: BLE001 - one database's trouble is its own, and is reported
            self._not_seen(name, views, error, scrape)
        finally:
            self._end_visit()

    async def _visit_place(self, place: Place, views: Sequence[View], scrape: Scrape) -> None:
        self._visit = session = await self._connector.connect(place.database)
        row = await session.greet(SERVER_SQL)
        await session.set_up(row["backend_pid"], self._left(place) * STATEMENT_SHARE_OF_VISIT)
        if any(view.operators_own for view in views):
            await session.learn_currency()
        await self._collect_all(views, replace(place, session=session), scrape)
        await session.close()

    def _not_seen(self, name: str, views: Iterable[View], error: Exception, scrape: Scrape) -> None:
        self._unseen.add(name)
        self._note_failed(views, scrape)
        self._collector_failed(name, error)

    def _note_failed(self, views: Iterable[View], scrape: Scrape) -> None:
        for view in views:
            scrape.results[view.name].note(False, 0.0)

    def _end_visit(self) -> None:
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.terminate()

    @override
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        own = (view for view in self._views if view.operators_own and view.name in scrape.results)
        is_whole = not self._unseen and all(scrape.results[view.name].success for view in own)
        yield from summary_of(scrape, duration_seconds, self.scrapes, is_whole)
        if scrape.up:
            yield from self._kept.families(self._clock.monotonic())
            yield from self._label_sets.families()
            self._tell_summed()

    def _tell_summed(self) -> None:
        summed = {view: count for view, count in self._label_sets.summed.items() if count}
        for view in sorted(summed.keys() - self._summed):
            self._events.emit(NamesSummed(self.name, view, summed[view]))
        self._summed = set(summed)

    @override
    def _drop_connection(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.terminate()

    @override
    def _error_text(self, error: Exception) -> str:
        # What asyncpg could not decode is the server's message, or a part of it.
        if isinstance(error, UnicodeDecodeError):
            error = TargetError(escaped(bytes(error.object)))
        return super()._error_text(error)

    @override
    def _secrets(self) -> Iterable[str]:
        return self._connector.secrets


def _name_of(view: View, place: Place) -> str:
    return f"{view.name} in {place.database}" if place.database else view.name


def _order(view: View) -> tuple[bool, bool, bool]:
    """Return what puts the quick views first, and queries of the operator's own last."""
    return view.schedule.slow, view.operators_own, view.schedule.per_database


def _only(rows: Sequence[Row]) -> Row:
    if not rows:
        raise TargetError("the server gave no row where there must be one")
    return rows[0]
