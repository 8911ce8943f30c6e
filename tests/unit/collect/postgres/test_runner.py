"""The Postgres runner on a fake connection: one view's trouble is its own."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pytest

from sidecar.collect.config import Preset
from sidecar.collect.events import CollectorFailed, MonitorRoleMissing, NamesSummed, PoolerInBetween
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.databases import DATABASES_SQL
from sidecar.collect.postgres.events import CollectorAdvice, DatabasesNotVisited, ValuesUnreadable
from sidecar.collect.postgres.label_sets import MOST
from sidecar.collect.postgres.runner import GRANT_SQL, SERVER_SQL, PostgresRunner
from sidecar.collect.postgres.session import CURRENCY_SQL, Prepared, Session, SessionLimits
from sidecar.collect.postgres.session_settings import BEGIN
from sidecar.collect.postgres.view import SCHEMA, Limits, Row, Schedule, Server, View, one, per_column
from sidecar.collect.postgres.wire import Money
from sidecar.model.errors import OperatorError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from tests.unit.collect.scraping import Surroundings

A, B = (Family(name, MetricType.GAUGE, f"{name}.") for name in ("a", "b"))
SLOW = Schedule(slow=True)


def view(family: Family, version: int = 0, **options: Any) -> View:
    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        return one(family, rows[0]["value"])

    sql = {version: f"SELECT {family.name}"}
    return View(name=family.name, sql=sql, families=(family,), convert=convert, **options)


class FakeConnection:
    """Answers statements from a table, where an exception is raised and a ConnectionError closes.

    `asked` are the statements in their order, without those about the session itself; `order` has those of several
    connections. `settings` are what each transaction set.
    """

    def __init__(
        self,
        answers: dict[str, Any],
        can_monitor: bool = True,
        pooled: bool = False,
        order: list[str] | None = None,
    ) -> None:
        self.closed = False
        self.died_unnoticed = False
        self.asked: list[str] = []
        self.executed: list[str] = []
        self.settings: list[dict[str, str]] = []
        self._order = [] if order is None else order
        self._answers = answers
        self._pooled = pooled
        self._server = {
            "version": 150018,
            "version_text": "PostgreSQL 15.18",
            "backend_pid": 42,
            "can_monitor": can_monitor,
        }

    async def fetch(self, query: str) -> list[Row]:
        if query == SERVER_SQL:
            if self.died_unnoticed:
                raise ConnectionResetError("gone")
            return [self._server]
        if query == CURRENCY_SQL:
            return [{"unit": Money(100)}]
        if query == GRANT_SQL:
            return [{"grant_line": 'GRANT pg_monitor TO "app x";'}]
        self.asked.append(query)
        self._order.append(query)
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
        settings = dict(re.findall(r"SET LOCAL (\w+) = ([^;]+)", query))
        if settings:
            self.settings.append(settings)
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


HANGS = TimeoutError()


class FakeConnector:
    """Hands out connections one after the other; an exception instead of one is raised, and HANGS never comes."""

    address = "db:5432"
    secrets = ()

    def __init__(self, *connections: FakeConnection | Exception) -> None:
        self.left = list(connections)
        self.databases: list[str | None] = []

    async def connect(self, database: str | None = None) -> Session:
        self.databases.append(database)
        connection = self.left.pop(0)
        if isinstance(connection, Exception):
            if connection is HANGS:
                await asyncio.Event().wait()
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
    await runner_of(around, [view(A, schedule=SLOW), view(B)], connection)._scrape_once()
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
    greeting = [BEGIN, "ROLLBACK TO asked"]
    assert connection.executed[:6] == [*greeting, BEGIN, "ROLLBACK TO asked", BEGIN, "ROLLBACK"]
    assert around.events.seen[0] == PoolerInBetween("postgres/main")
    assert [type(event) for event in around.events.seen] == [PoolerInBetween, CollectorFailed]


async def test_own_limits_of_a_view_take_a_transaction(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": 1, "SELECT b": 2})
    await runner_of(around, [view(A), view(B, limits=Limits(lock_seconds=0.1))], connection)._scrape_once()
    in_transaction = [BEGIN, "ROLLBACK TO asked"]
    assert connection.executed == [*in_transaction, "SET statement_timeout = 2500", *in_transaction]


async def test_view_asked_seldom_shows_its_last_values_and_their_age(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": 1})
    runner = runner_of(around, [view(A, schedule=Schedule(every_seconds=60.0))], connection)
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
    await around.clock.advance(15.0)
    await runner._scrape_once()
    values = around.sink.values()
    assert (values["a"], values['pg_scrape_collector_success{collector="a"}']) == (3, 1)


async def test_view_asked_seldom_that_fails_is_asked_ever_later(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": ValueError("statement timeout")})
    runner = runner_of(around, [view(A, schedule=Schedule(every_seconds=100.0))], connection)
    asked_at = []
    for second in range(0, 500, 5):
        before = len(connection.asked)
        await runner._scrape_once()
        asked_at += [second] * (len(connection.asked) - before)
        assert around.sink.values()['pg_scrape_collector_success{collector="a"}'] == 0
        await around.clock.advance(5.0)
    assert asked_at == [0, 15, 45, 105, 205, 305, 405]


@pytest.mark.parametrize("holds", [True, False, None])
async def test_view_whose_predicate_does_not_hold_is_not_collected(around: Surroundings, holds: bool | None) -> None:
    connection = FakeConnection({"SELECT holds": holds, "SELECT a": 1})
    await runner_of(around, [view(A, predicate="SELECT holds")], connection)._scrape_once()
    assert ("a" in around.sink.values()) is bool(holds)


async def test_each_discovered_database_is_visited_for_its_own_views_only(around: Surroundings) -> None:
    found = [{"name": name.encode()} for name in ("shop", "shop_test", "wiki")]
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
    found = [{"name": name.encode()} for name in ("shop", "wiki")]
    main = FakeConnection({"SELECT b": 2, DATABASES_SQL: found})
    runner = runner_of(
        around, [database_view()], main, OSError("no"), FakeConnection({"SELECT b": 4}), databases={"discover": True}
    )
    await runner._scrape_once()
    assert around.sink.values()['b{value="4"}'] == 1
    assert around.events.seen == [CollectorFailed("postgres/main", "database shop", "OSError: no")]


async def test_databases_over_the_limit_are_counted(around: Surroundings) -> None:
    found = [{"name": f"d{number}".encode()} for number in range(5)]
    main = FakeConnection({"SELECT b": 2, DATABASES_SQL: found})
    runner = runner_of(around, [database_view()], main, databases={"discover": True, "max": 0})
    await runner._scrape_once()
    assert around.sink.values()["sidecar_pg_databases_left_out"] == 5


async def test_what_is_slow_comes_after_what_is_quick_in_every_database(around: Surroundings) -> None:
    order: list[str] = []
    answers = {"SELECT a": 1, "SELECT b": 2, "SELECT c": 3, "SELECT d": 4}
    main = FakeConnection({**answers, DATABASES_SQL: [{"name": b"shop"}]}, order=order)
    visits = [FakeConnection({name: f"of shop {value}" for name, value in answers.items()}, order=order) for _ in "12"]
    views = [
        database_view("c", slow=True, operators_own=True),
        database_view("d", slow=True),
        view(A, schedule=SLOW),
        database_view("b"),
    ]
    await runner_of(around, views, main, *visits, databases={"discover": True})._scrape_once()
    quick = ["SELECT b", DATABASES_SQL, "SELECT b"]
    assert order == [*quick, "SELECT a", "SELECT d", "SELECT c", "SELECT d", "SELECT c"]
    assert (len(visits[0].asked), len(visits[1].asked)) == (1, 2)


async def test_each_scrape_starts_its_visits_at_another_database(around: Surroundings) -> None:
    main = FakeConnection({"SELECT b": 2, DATABASES_SQL: [{"name": name.encode()} for name in "xyz"]})
    visits = [FakeConnection({"SELECT b": 3}) for _ in range(6)]
    runner = runner_of(around, [database_view()], main, *visits, databases={"discover": True})
    await runner._scrape_once()
    await runner._scrape_once()
    assert runner._connector.databases == [None, *"xyz", *"yzx"]  # type: ignore[attr-defined] # of the fake


async def test_database_that_hangs_at_connecting_has_a_share_of_the_time_and_is_tried_once(
    around: Surroundings,
) -> None:
    main = FakeConnection({"SELECT b": 2, "SELECT c": 2, DATABASES_SQL: [{"name": name.encode()} for name in "xy"]})
    views = [database_view(), database_view("c", slow=True)]
    good = [FakeConnection({"SELECT b": 3, "SELECT c": 3}) for _ in "12"]
    runner = runner_of(around, views, main, HANGS, *good, databases={"discover": True}, timeout_seconds=1)
    async with asyncio.timeout(0.9):
        await runner._scrape_once()
    values = around.sink.values()
    assert runner._connector.databases == [None, "x", "y", "y"]  # type: ignore[attr-defined] # of the fake
    assert (values['b{value="3"}'], values['c{value="3"}']) == (1, 1)
    assert [values[f'pg_scrape_collector_success{{collector="{name}"}}'] for name in "bc"] == [0, 0]
    assert (values["pg_up"], values["pg_exporter_last_scrape_error"]) == (1, 1)
    text = "TargetError: it took longer than its share of the time"
    assert around.events.seen == [CollectorFailed("postgres/main", "database x", text)]


async def test_databases_that_cannot_be_listed_are_a_failure_of_their_views_only(around: Surroundings) -> None:
    main = FakeConnection({"SELECT a": 1, "SELECT b": 2, DATABASES_SQL: ValueError("lock timeout")})
    runner = runner_of(around, [view(A, schedule=SLOW), database_view()], main, databases={"discover": True})
    await runner._scrape_once()
    values = around.sink.values()
    assert (values["a"], values['b{value="2"}']) == (1, 1)
    assert [values[f'pg_scrape_collector_success{{collector="{name}"}}'] for name in "ab"] == [1, 0]
    assert values["pg_exporter_last_scrape_error"] == 1
    main._answers[DATABASES_SQL] = []
    await runner._scrape_once()
    assert around.sink.values()["pg_exporter_last_scrape_error"] == 0
    assert around.events.seen == [CollectorFailed("postgres/main", "databases", "ValueError: lock timeout")]


@pytest.mark.parametrize("own", [True, False])
async def test_failure_of_a_query_of_ones_own_is_an_error_of_the_scrape(around: Surroundings, own: bool) -> None:
    connection = FakeConnection({"SELECT a": ValueError("no")})
    await runner_of(around, [view(A, operators_own=own)], connection)._scrape_once()
    assert around.sink.values()["pg_exporter_last_scrape_error"] == own


async def test_statement_has_no_more_time_than_is_left(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT a": 1})
    session = Session(connection, SessionLimits(10.0))
    await session.set_up(42)
    await session.fetch("SELECT a", left_seconds=3.0)
    assert connection.settings == []
    await session.fetch("SELECT a", left_seconds=2.0)
    await session.fetch("SELECT a", Limits(statement_seconds=9.0), left_seconds=5.0)
    await session.fetch("SELECT a", left_seconds=-1.0)
    assert [settings["statement_timeout"] for settings in connection.settings] == ["1800", "4500", "1"]


async def test_text_that_a_predicate_finds_is_the_schema_in_the_statement(around: Surroundings) -> None:
    connection = FakeConnection({"SELECT where": '"my schema"', 'SELECT "my schema".f()': 7})
    extension = View(
        name="a",
        sql={0: f"SELECT {SCHEMA}.f()"},
        families=(A,),
        convert=lambda rows, server: one(A, rows[0]["value"]),
        predicate="SELECT where",
    )
    await runner_of(around, [extension], connection)._scrape_once()
    assert around.sink.values()["a"] == 7


def database_view(name: str = "b", slow: bool = False, **options: Any) -> View:
    schedule = Schedule(per_database=True, slow=slow)
    family = Family(name, MetricType.GAUGE, f"{name}.")

    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        return one(family, 1.0, (("value", str(rows[0]["value"])),))

    return View(name=name, sql={0: f"SELECT {name}"}, families=(family,), convert=convert, schedule=schedule, **options)


async def test_values_that_cannot_be_read_are_counted_told_once_and_told_again_when_they_come_back(
    around: Surroundings,
) -> None:
    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        return per_column(rows, {"value": A})

    good, bad = [{"value": 1}], [{"value": 1}, {"value": "c4nary"}]
    connection = FakeConnection({"SELECT a": bad})
    odd = View(name="a", sql={0: "SELECT a"}, families=(A,), convert=convert)
    runner = runner_of(around, [odd], connection)
    for rows in (bad, bad, good, bad):
        connection._answers["SELECT a"] = rows
        await runner._scrape_once()
        values = around.sink.values()
        assert (values["a"], values['pg_scrape_collector_success{collector="a"}']) == (1, 1)
    told = [event for event in around.events.seen if isinstance(event, ValuesUnreadable)]
    assert [(event.collector, event.count) for event in told] == [("a", 1), ("a", 1)]
    assert around.meter.registry.get_sample_value("sidecar_pg_unreadable_total", {"target": "main"}) == 3


async def test_advice_is_told_once_and_again_when_it_changes(around: Surroundings) -> None:
    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        server.notes.advice.extend(rows[0]["value"])
        return one(A, 0.0)

    connection = FakeConnection({})
    runner = runner_of(around, [View(name="a", sql={0: "SELECT a"}, families=(A,), convert=convert)], connection)
    for advice in (["first"], ["first"], [], ["second"]):
        connection._answers["SELECT a"] = [{"value": advice}]
        await runner._scrape_once()
    assert around.events.seen == [CollectorAdvice("postgres/main", "a", text) for text in ("first", "second")]


async def test_databases_that_cannot_be_asked_for_are_told_once(around: Surroundings) -> None:
    main = FakeConnection({"SELECT b": 2, DATABASES_SQL: [{"name": b"caf\xe9"}, {"name": b"shop"}]})
    visits = [FakeConnection({"SELECT b": 3}) for _ in "12"]
    runner = runner_of(around, [database_view()], main, *visits, databases={"discover": True})
    for _ in "12":
        await runner._scrape_once()
        assert around.sink.values()["pg_exporter_last_scrape_error"] == 0
    assert around.events.seen == [DatabasesNotVisited("postgres/main", r"`caf\xe9`")]


async def test_a_view_with_label_sets_without_end_is_cut_and_that_is_told_once(around: Surroundings) -> None:
    family = Family("many_total", MetricType.COUNTER, "Many.", ("datname",))

    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        samples = [Sample(family.name, (("datname", f"d{number:04}"),), 1.0) for number in range(MOST + 5)]
        return [FamilySamples(family, samples)]

    many = View(name="many", sql={0: "SELECT many"}, families=(family,), convert=convert)
    runner = runner_of(around, [many], FakeConnection({"SELECT many": 1}))
    for _ in range(2):
        await runner._scrape_once()
    values = around.sink.values()
    assert values['many_total{datname="other"}'] == 5
    assert values['sidecar_pg_label_sets_summed{collector="many"}'] == 5
    assert len([series for series in values if series.startswith("many_total")]) == MOST + 1
    assert [event for event in around.events.seen if isinstance(event, NamesSummed)] == [
        NamesSummed("postgres/main", "many", 5)
    ]
