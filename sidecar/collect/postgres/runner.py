"""The Postgres runner: one connection, every view for itself, slow ones last."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from typing_extensions import override

from sidecar.collect.events import MonitorRoleMissing
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.connection import Connection, Connector
from sidecar.collect.postgres.summary import server_families, summary_of
from sidecar.collect.postgres.view import Server, View
from sidecar.collect.runner import CollectorResult, Scrape, ScrapeContext, Target, TargetRunner
from sidecar.model.errors import OperatorError, TargetError
from sidecar.model.family import FamilySamples

SERVER_SQL = """
SELECT current_setting('server_version_num')::int4 AS version, version() AS version_text,
       pg_is_in_recovery() AS in_recovery, pg_has_role('pg_monitor', 'USAGE') AS can_monitor,
       quote_ident(current_user) AS role
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
        selected = (view for view in views if config.views.selects(view.name, view.default))
        self._views = sorted(selected, key=lambda view: view.slow)
        self._connector = Connector(config)
        self._connection: Connection | None = None
        self._told_of_role = False

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        scrape.results = {view.name: CollectorResult() for view in self._views}
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connector.connect()
        server = await self._ask_server(self._connection)
        scrape.up = True
        scrape.families += server_families(server)
        existing = [(view, sql) for view in self._views if (sql := view.sql_for(server.version))]
        scrape.results = {view.name: scrape.results[view.name] for view, _ in existing}
        for view, sql in existing:
            await self._collect(view, sql, server, scrape)

    async def _ask_server(self, connection: Connection) -> Server:
        row = await connection.fetchrow(SERVER_SQL)
        if row is None:
            raise TargetError("the server gave no row where there must be one")
        if not row["can_monitor"] and not self._told_of_role:
            self._told_of_role = True
            self._events.emit(MonitorRoleMissing(self.name, f"GRANT pg_monitor TO {row['role']};"))
        return Server(
            row["version"], row["version_text"], self._connector.address, row["in_recovery"], row["can_monitor"]
        )

    async def _collect(self, view: View, sql: str, server: Server, scrape: Scrape) -> None:
        assert self._connection is not None
        result = scrape.results[view.name]
        started = self._clock.monotonic()
        try:
            rows = await self._connection.fetch(sql)
            scrape.families += list(view.convert(rows, server))
            result.success = True
            self._failing.discard(view.name)
        except Exception as error:
            # One view's trouble is its own, unless the connection went with it.
            if self._connection.is_closed():
                raise
            self._collector_failed(view.name, error)
        finally:
            result.duration_seconds = self._clock.monotonic() - started

    @override
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        return summary_of(scrape, duration_seconds, self.scrapes)

    @override
    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    @override
    def _secrets(self) -> Iterable[str]:
        return self._connector.secrets
