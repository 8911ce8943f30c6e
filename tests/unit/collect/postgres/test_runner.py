"""The Postgres runner on a fake connection: one view's trouble is its own."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pytest

from sidecar.collect.config import Preset
from sidecar.collect.events import CollectorFailed, MonitorRoleMissing, PoolerInBetween
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.databases import DATABASES_SQL
from sidecar.collect.postgres.runner import SERVER_SQL, PostgresRunner
from sidecar.collect.postgres.session import Prepared, Session, SessionLimits
from sidecar.collect.postgres.view import Limits, Row, Server, View, one
from sidecar.model.errors import OperatorError
from sidecar.model.family import Family, FamilySamples, MetricType
from tests.unit.collect.scraping import Surroundings

A, B = (Family(name, MetricType.GAUGE, f"{name}.") for name in ("a", "b"))


def view(family: Family, version: int = 0, **options: Any) -> View:
    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        return one(family, rows[0]["value"])

    sql = {version: f"SELECT {family.name}"}
    return View(name=family.name, sql=sql, families=(family,), convert=convert, **options)


class FakeConnection:
    """Answers statements from a table, where an exception is raised and a ConnectionError closes.

    `asked` are the statements in their order, without those about the session itself.
    """

    def __init__(self, answers: dict[str, Any], can_monitor: bool = True, pooled: bool = False) -> None:
        self.closed = False
        self.died_unnoticed = False
        self.asked: list[str] = []
        self.executed: list[str] = []
        self._answers = answers
        self._pooled = pooled
        self._server = {
            "version": 150018,
            "version_text": "PostgreSQL 15.18",
            "in_recovery": False,
            "role": '"app x"',
            "backend_pid": 42,
            "can_monitor": can_monitor,
        }

    async def fetch(self, query: str) -> list[Row]:
        if query == SERVER_SQL:
            if self.died_unnoticed:
                raise ConnectionResetError("gone")
            return [self._server]
        self.asked.append(query)
        answer = self._answers[query]
        if isinstance(answer, ConnectionError):
            self.closed = True
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, list) else [{"value": answer}]

    async def prepare(self, query: str, *, name: str) -> Prepared:
        return FakePrepared(self, query)

    async def execute(self, query: str) -> str:
        self.executed.append(query.split(";")[0].strip())
        return ""

    async def close(self) -> None:
        self.closed = True

    def get_server_pid(self) -> int:
        return 17 if self._pooled else 42

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True


class FakePrepared(NamedTuple):
    connection: FakeConnection
    query: str

    async def fetch(self) -> list[Row]:
        return await self.connection.fetch(self.query)


class FakeConnector:
    """Hands out connections one after the other; an exception instead of one is raised."""

    address = "db:5432"
    secrets = ()

    def __init__(self, *connections: FakeConnection | Exception) -> None:
        self.left = list(connections)
        self.databases: list[str | None] = []

    async def connect(self, database: str | None = None) -> Session:
        self.databases.append(database)
        connection = self.left.pop(0)
        if isinstance(connection, Exception):
            raise connection
        return Session(connection, SessionLimits(10.0))


def runner_of(
    around: Surroundings, views: Sequence[View], *connections: FakeConnection | Exception, **settings: Any
) -> PostgresRunner:
    config = PostgresConfig.model_validate({"dsn": "postgresql://db", **settings})
    runner = PostgresRunner(config, views, around.target, around.context)
    runner._connector = FakeConnector(*connections)  # type: ignore[assignment] # has what the runner uses
    return runner


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


async def test_failing_view_harms_no_other(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": ValueError("lock timeout"), "SELECT b": 2})
    await runner_of(around, [view(A), view(B)], connection)._scrape_once()
    values = around.sink.values()
    assert "a" not in values
    assert values["b"] == 2
    assert values['pg_scrape_collector_success{collector="a"}'] == 0
    assert values['pg_scrape_collector_success{collector="b"}'] == 1
    assert (values["pg_up"], values["pg_exporter_last_scrape_error"]) == (1, 0)
    assert around.events.seen == [CollectorFailed("postgres/main", "a", "ValueError: lock timeout")]


async def test_view_that_may_be_slow_is_asked_last(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": 1, "SELECT b": 2})
    await runner_of(around, [view(A, slow=True), view(B)], connection)._scrape_once()
    assert connection.asked == ["SELECT b", "SELECT a"]


async def test_null_and_a_conversion_that_breaks_are_that_views_own(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": None, "SELECT b": "many"})
    await runner_of(around, [view(A), view(B)], connection)._scrape_once()
    values = around.sink.values()
    assert values['pg_scrape_collector_success{collector="a"}'] == 1
    assert values['pg_scrape_collector_success{collector="b"}'] == 0
    assert "a" not in values


async def test_nobody_there_means_down_and_no_success_for_every_view(around: Surroundings) -> None:
    await runner_of(around, [view(A), view(B)], ConnectionRefusedError("no"))._scrape_once()
    assert around.sink.last.up is False
    values = around.sink.values()
    assert (values["pg_up"], values["pg_exporter_last_scrape_error"]) == (0, 1)
    assert [values[f'pg_scrape_collector_success{{collector="{name}"}}'] for name in "ab"] == [0, 0]


async def test_connection_lost_on_the_way_ends_the_scrape_and_the_next_one_connects_again(around: Surroundings) -> None:
    lost = FakeConnection({"SELECT a": 1, "SELECT b": ConnectionResetError("gone")})
    runner = runner_of(around, [view(A), view(B)], lost, FakeConnection({"SELECT a": 1, "SELECT b": 2}))
    await runner._scrape_once()
    values = around.sink.values()
    assert (values["a"], values["pg_up"], values["pg_exporter_last_scrape_error"]) == (1, 1, 1)
    await runner._scrape_once()
    assert around.sink.values()["b"] == 2


async def test_connection_is_kept_between_scrapes(around: Surroundings) -> None:
    runner = runner_of(around, [view(A)], FakeConnection({"SELECT a": 1}))
    await runner._scrape_once()
    await runner._scrape_once()
    assert around.sink.values()["pg_exporter_scrapes_total"] == 2


async def test_view_of_a_newer_server_is_not_collected(around: Surroundings) -> None:
    await runner_of(around, [view(A, 170000), view(B)], FakeConnection({"SELECT b": 2}))._scrape_once()
    assert 'pg_scrape_collector_success{collector="a"}' not in around.sink.values()


async def test_role_without_pg_monitor_is_told_once_with_the_grant(around: Surroundings) -> None:
    runner = runner_of(around, [], FakeConnection({}, can_monitor=False))
    await runner._scrape_once()
    await runner._scrape_once()
    assert around.events.seen == [MonitorRoleMissing("postgres/main", 'GRANT pg_monitor TO "app x";')]
    assert around.sink.values()["sidecar_pg_permission_ok"] == 0


def test_unknown_view_in_the_configuration_is_an_operators_mistake(around: Surroundings) -> None:
    config = PostgresConfig.model_validate({"dsn": "postgresql://db", "views": {"exclude": ["lock"]}})
    with pytest.raises(OperatorError, match="no view is called `lock`; there are a, b"):
        PostgresRunner(config, [view(A), view(B)], around.target, around.context)


async def test_selection_adds_and_takes_away(around: Surroundings) -> None:
    config = PostgresConfig.model_validate({"dsn": "postgresql://db", "views": {"include": ["a"], "exclude": ["b"]}})
    runner = PostgresRunner(config, [view(A, preset=Preset.FULL), view(B)], around.target, around.context)
    assert [chosen.name for chosen in runner._views] == ["a"]


async def test_kept_connection_that_died_is_replaced_in_the_same_scrape(around: Surroundings) -> None:
    dead = FakeConnection({"SELECT a": 1})
    runner = runner_of(around, [view(A)], dead, FakeConnection({"SELECT a": 2}))
    await runner._scrape_once()
    dead.died_unnoticed = True
    await runner._scrape_once()
    assert dead.closed
    assert (around.sink.values()["pg_up"], around.sink.values()["a"]) == (1, 2)


async def test_behind_a_pooler_each_statement_brings_its_limits_and_that_is_told_once(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": 1, "SELECT b": ValueError("no")}, pooled=True)
    runner = runner_of(around, [view(A), view(B)], connection)
    await runner._scrape_once()
    await runner._scrape_once()
    assert connection.executed[:4] == ["BEGIN READ ONLY", "ROLLBACK TO asked", "BEGIN READ ONLY", "ROLLBACK"]
    assert around.events.seen[0] == PoolerInBetween("postgres/main")
    assert [type(event) for event in around.events.seen] == [PoolerInBetween, CollectorFailed]


async def test_own_limits_of_a_view_take_a_transaction(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": 1, "SELECT b": 2})
    await runner_of(around, [view(A), view(B, limits=Limits(lock_seconds=0.1))], connection)._scrape_once()
    assert connection.executed == ["SET statement_timeout = 2500", "BEGIN READ ONLY", "ROLLBACK TO asked"]


async def test_view_asked_seldom_shows_its_last_values_and_their_age(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": 1})
    runner = runner_of(around, [view(A, every_seconds=60.0)], connection)
    await runner._scrape_once()
    connection._answers["SELECT a"] = ValueError("lock timeout")
    await around.clock.advance(59.0)
    await runner._scrape_once()
    values = around.sink.values()
    assert (values["a"], values['sidecar_pg_collector_age_seconds{collector="a"}']) == (1, 59)
    assert values['pg_scrape_collector_success{collector="a"}'] == 1
    await around.clock.advance(1.0)
    await runner._scrape_once()
    values = around.sink.values()
    assert (values["a"], values['sidecar_pg_collector_age_seconds{collector="a"}']) == (1, 60)
    assert values['pg_scrape_collector_success{collector="a"}'] == 0
    connection._answers["SELECT a"] = 3
    await runner._scrape_once()
    assert around.sink.values()["a"] == 3


@pytest.mark.parametrize("holds", [True, False, None])
async def test_view_whose_predicate_does_not_hold_is_not_collected(around: Surroundings, holds: bool | None) -> None:
    connection = FakeConnection({"SELECT holds": holds, "SELECT a": 1})
    await runner_of(around, [view(A, predicate="SELECT holds")], connection)._scrape_once()
    assert ("a" in around.sink.values()) is bool(holds)


async def test_each_discovered_database_is_visited_for_its_own_views_only(around: Surroundings) -> None:
    found = [{"datname": name} for name in ("shop", "shop_test", "wiki")]
    main = FakeConnection({"SELECT a": 1, "SELECT b": 2, DATABASES_SQL: found})
    shop, wiki = FakeConnection({"SELECT b": 3}), FakeConnection({"SELECT b": ValueError("no")})
    runner = runner_of(
        around,
        [view(A), database_view()],
        main,
        shop,
        wiki,
        databases={"discover": True, "exclude": ["*_test"]},
    )
    await runner._scrape_once()
    values = around.sink.values()
    assert runner._connector.databases == [None, "shop", "wiki"]  # type: ignore[attr-defined] # of the fake
    assert (values["a"], values['b{value="2"}'], values['b{value="3"}']) == (1, 1, 1)
    assert values['pg_scrape_collector_success{collector="b"}'] == 0
    assert around.events.seen == [CollectorFailed("postgres/main", "b in wiki", "ValueError: no")]
    assert (shop.closed, wiki.closed, main.closed) == (True, True, False)


async def test_database_that_refuses_harms_no_other(around: Surroundings) -> None:
    found = [{"datname": name} for name in ("shop", "wiki")]
    main = FakeConnection({"SELECT b": 2, DATABASES_SQL: found})
    runner = runner_of(
        around, [database_view()], main, OSError("no"), FakeConnection({"SELECT b": 4}), databases={"discover": True}
    )
    await runner._scrape_once()
    assert around.sink.values()['b{value="4"}'] == 1
    assert around.events.seen == [CollectorFailed("postgres/main", "database shop", "OSError: no")]


async def test_databases_over_the_limit_are_counted(around: Surroundings) -> None:
    found = [{"datname": f"d{number}"} for number in range(5)]
    main = FakeConnection({"SELECT b": 2, DATABASES_SQL: found})
    runner = runner_of(around, [database_view()], main, databases={"discover": True, "max": 0})
    await runner._scrape_once()
    assert around.sink.values()["sidecar_pg_databases_left_out"] == 5


def database_view() -> View:
    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        return one(B, 1.0, (("value", str(rows[0]["value"])),))

    return View(name="b", sql={0: "SELECT b"}, families=(B,), convert=convert, per_database=True)
