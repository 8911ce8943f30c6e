"""The Postgres runner on a fake connection: one view's trouble is its own."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from sidecar.collect.events import CollectorFailed, MonitorRoleMissing
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.runner import SERVER_SQL, PostgresRunner
from sidecar.collect.postgres.view import Row, Server, View, one
from sidecar.model.errors import OperatorError
from sidecar.model.family import Family, FamilySamples, MetricType
from tests.unit.collect.scraping import Surroundings

A, B = (Family(name, MetricType.GAUGE, f"{name}.") for name in ("a", "b"))


def view(family: Family, version: int = 0, default: bool = True, slow: bool = False) -> View:
    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        return one(family, rows[0]["value"])

    return View(family.name, {version: f"SELECT {family.name}"}, (family,), convert, default, slow)


class FakeConnection:
    """Answers statements from a table; an exception in it is raised."""

    def __init__(self, answers: dict[str, Any], can_monitor: bool = True) -> None:
        self.closed = False
        self.can_monitor = can_monitor
        self._answers = answers
        self.asked: list[str] = []

    async def fetch(self, query: str) -> list[Row]:
        self.asked.append(query)
        answer = self._answers[query]
        if isinstance(answer, ConnectionError):
            self.closed = True
        if isinstance(answer, Exception):
            raise answer
        return [{"value": answer}]

    async def fetchrow(self, query: str) -> Row | None:
        assert query == SERVER_SQL
        server = {"version": 150018, "version_text": "PostgreSQL 15.18", "in_recovery": False, "role": '"app x"'}
        return {**server, "can_monitor": self.can_monitor}

    async def execute(self, query: str) -> str:
        raise NotImplementedError

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True


class FakeConnector:
    """Hands out connections one after the other; an exception instead of one is raised."""

    address = "db:5432"
    secrets = ()

    def __init__(self, *connections: FakeConnection | Exception) -> None:
        self.left = list(connections)

    async def connect(self) -> FakeConnection:
        connection = self.left.pop(0)
        if isinstance(connection, Exception):
            raise connection
        return connection


def runner_of(around: Surroundings, views: Sequence[View], *connections: FakeConnection | Exception) -> PostgresRunner:
    runner = PostgresRunner(PostgresConfig(dsn="postgresql://db"), views, around.target, around.context)
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
    runner = PostgresRunner(config, [view(A, default=False), view(B)], around.target, around.context)
    assert [chosen.name for chosen in runner._views] == ["a"]
