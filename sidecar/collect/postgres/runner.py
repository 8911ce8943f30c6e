"""The Postgres runner: one connection, every view for itself, slow ones last."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from typing_extensions import override

from sidecar.collect.events import MonitorRoleMissing, PoolerInBetween
from sidecar.collect.postgres.aliases import aliased
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.connection import Connector
from sidecar.collect.postgres.databases import DATABASES_SQL, choose
from sidecar.collect.postgres.kept import KeptValues
from sidecar.collect.postgres.session import Session, one_value
from sidecar.collect.postgres.summary import server_families, summary_of, visit_families
from sidecar.collect.postgres.view import Row, Server, View
from sidecar.collect.runner import CollectorResult, Scrape, ScrapeContext, Target, TargetRunner
from sidecar.model.errors import OperatorError, TargetError
from sidecar.model.family import FamilySamples

SERVER_SQL = """
SELECT current_setting('server_version_num')::int4 AS version, version() AS version_text,
       pg_is_in_recovery() AS in_recovery, pg_has_role('pg_monitor', 'USAGE') AS can_monitor,
       quote_ident(current_user) AS role, pg_backend_pid() AS backend_pid
"""


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
        self._views = sorted((view for view in selected if view.sql), key=lambda view: view.slow)
        self._databases = config.databases
        self._connector = Connector(config, context.events.emit)
        self._session: Session | None = None
        self._visit: Session | None = None
        self._kept = KeptValues()
        self._told: set[type] = set()

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        scrape.results = {view.name: CollectorResult() for view in self._views}
        session, row = await self._greeted()
        server = self._server(row)
        scrape.up = True
        scrape.families += server_families(server)
        views = [view for view in self._views if view.sql_for(server.version)]
        scrape.results = {view.name: scrape.results[view.name] for view in views}
        await self._collect_all([view for view in views if not view.slow], session, server, scrape)
        await self._visit_others([view for view in views if view.per_database], session, server, scrape)
        await self._collect_all([view for view in views if view.slow], session, server, scrape)

    async def _greeted(self) -> tuple[Session, Row]:
        """Return the session and what the server says of itself; a kept connection may have died unnoticed."""
        if self._session is not None and not self._session.is_closed():
            try:
                return self._session, _only(await self._session.fetch(SERVER_SQL))
            except Exception:  # noqa: BLE001 - whatever it was, a new connection shows whether it is there still
                self._drop_connection()
        self._session = await self._connector.connect()
        row = _only(await self._session.fetch_plain(SERVER_SQL))
        await self._session.set_up(row["backend_pid"])
        if self._session.pooled and PoolerInBetween not in self._told:
            self._told.add(PoolerInBetween)
            self._events.emit(PoolerInBetween(self.name))
        return self._session, row

    def _server(self, row: Row) -> Server:
        if not row["can_monitor"] and MonitorRoleMissing not in self._told:
            self._told.add(MonitorRoleMissing)
            self._events.emit(MonitorRoleMissing(self.name, f"GRANT pg_monitor TO {row['role']};"))
        return Server(
            row["version"], row["version_text"], self._connector.address, row["in_recovery"], row["can_monitor"]
        )

    async def _collect_all(
        self, views: Iterable[View], session: Session, server: Server, scrape: Scrape, database: str | None = None
    ) -> None:
        for view in views:
            now = self._clock.monotonic()
            if view.every_seconds:
                if self._kept.is_due(view, database, now):
                    await self._collect(view, session, server, scrape, database)
                else:
                    scrape.results[view.name].note(True, 0.0)
                scrape.families += self._kept.families(view, database, self._clock.monotonic())
            else:
                await self._collect(view, session, server, scrape, database)

    async def _collect(
        self, view: View, session: Session, server: Server, scrape: Scrape, database: str | None
    ) -> None:
        started = self._clock.monotonic()
        name = f"{view.name} in {database}" if database else view.name
        success = False
        try:
            families = await self._ask(view, session, server)
            if view.every_seconds:
                self._kept.keep(view, database, families, started)
            else:
                scrape.families += families
            success = True
            self._failing.discard(name)
        except Exception as error:
            # One view's trouble is its own, unless the connection went with it.
            if session.is_closed():
                raise
            self._collector_failed(name, error)
        finally:
            scrape.results[view.name].note(success, self._clock.monotonic() - started)

    async def _ask(self, view: View, session: Session, server: Server) -> list[FamilySamples]:
        if view.predicate and not one_value(await session.fetch(view.predicate, view.limits)):
            return []
        sql = view.sql_for(server.version)
        assert sql is not None, "chosen by version before"
        return list(view.convert(await session.fetch(sql, view.limits), server))

    async def _visit_others(self, views: Sequence[View], session: Session, server: Server, scrape: Scrape) -> None:
        """Ask `views` in each other database, through one short connection after the other."""
        if not self._databases.discover or not views:
            return
        found = [row["datname"] for row in await session.fetch(DATABASES_SQL)]
        visits = choose(found, self._databases)
        scrape.families += visit_families(visits.left_out)
        self._kept.forget_all_but(visits.databases)
        for database in visits.databases:
            await self._visit_one(database, views, server, scrape)

    async def _visit_one(self, database: str, views: Sequence[View], server: Server, scrape: Scrape) -> None:
        try:
            self._visit = await self._connector.connect(database)
            row = _only(await self._visit.fetch_plain(SERVER_SQL))
            await self._visit.set_up(row["backend_pid"])
            await self._collect_all(views, self._visit, server, scrape, database)
            await self._visit.close()
            self._failing.discard(f"database {database}")
        except Exception as error:  # noqa: BLE001 - one database's trouble is its own, and is reported
            for view in views:
                scrape.results[view.name].note(False, 0.0)
            self._collector_failed(f"database {database}", error)
        finally:
            self._end_visit()

    def _end_visit(self) -> None:
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.terminate()

    @override
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        return summary_of(scrape, duration_seconds, self.scrapes)

    @override
    def _drop_connection(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.terminate()

    @override
    def _secrets(self) -> Iterable[str]:
        return self._connector.secrets


def _only(rows: Sequence[Row]) -> Row:
    if not rows:
        raise TargetError("the server gave no row where there must be one")
    return rows[0]
