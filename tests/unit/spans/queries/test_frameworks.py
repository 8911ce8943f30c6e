"""What real frameworks sent, as their instrumentation dumped it, becomes what their app did."""

from pathlib import Path
from typing import Any

import pytest

from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.model.steps import finished
from sidecar.spans.insights import Insights
from tests.unit.spans.pipelines import OPERATIONS, judged, pipeline, shown


class Seen:
    """What a dump became."""

    def __init__(self, path: Path) -> None:
        self.insights = Insights()
        self.pipeline = pipeline(self.insights)
        for batch in finished(JsonTraces().read(path.read_bytes(), 1000.0)):
            self.pipeline.accept(batch)
        self.families = shown(self.pipeline, 1070.0)

    @property
    def calls(self) -> dict[str, float]:
        return {found.query.statement: found.calls for found in judged(self.insights).queries.statistics.all()}


@pytest.fixture
def seen(shared_data: Path) -> Any:
    def read(name: str) -> Seen:
        path = shared_data.parent / "cases/frameworks/node" / name
        if not path.exists():
            pytest.skip(f"no dump at {path}")
        return Seen(path)

    return read


@pytest.mark.parametrize("name", ["leak_redis_multiline.json", "redis_eval_lua.json"])
def test_a_script_of_redis_shows_neither_code_nor_values(name: str, seen: Any) -> None:
    assert seen(name).calls == {"EVAL ?": 1}


def test_a_connection_of_the_pool_is_no_query(seen: Any, values_of: Any) -> None:
    found = seen("pg_pool_connect.json")
    assert found.calls == {"SELECT pg_sleep(?) AS s": 1}
    assert values_of(found.families, OPERATIONS, "system", "operation") == {("postgresql", "SELECT"): 1}


def test_waiting_for_the_pool_is_a_metric_and_no_slow_query(seen: Any, values_of: Any) -> None:
    found = seen("pg_pool_wait.json")
    assert found.calls == {"SELECT pg_sleep(?) AS w": 4}
    assert sum(values_of(found.families, "sidecar_slow_queries_total", "severity").values()) == 4
    waits = values_of(found.families, "sidecar_db_client_connection_wait_seconds_count", "system")
    creates = values_of(found.families, "sidecar_db_client_connection_create_seconds_count", "system")
    assert (waits, creates) == ({("postgresql",): 4}, {("postgresql",): 1})


def test_tables_in_quotes_have_their_names_under_any_name_of_the_system(seen: Any, values_of: Any) -> None:
    found = seen("sequelize_three_tables.json")
    assert sorted(found.calls) == [
        f'SELECT "id", "{column}" FROM "{table}s" AS "{table}" WHERE "{table}"."id" = ?'
        for table, column in (("author", "name"), ("item", "name"), ("book", "title"))
    ]
    assert {system for (system,) in values_of(found.families, OPERATIONS, "system")} == {"postgresql"}


def test_what_a_mapper_asks_are_the_statements_that_its_driver_sent(seen: Any) -> None:
    calls = seen("typeorm_n1.json").calls
    assert {" ".join(statement.split()[:1]) for statement in calls} == {"SELECT"}
    assert sorted(calls.values()) == [1, 7]


def test_one_statement_with_lists_of_values_repeated_by_row_is_an_n_plus_one(
    query_of: Any, root_of: Any, batch_of: Any
) -> None:
    insights = Insights()
    subject = pipeline(insights)
    lists = [", ".join(f"%(id_1_{place})s::INTEGER" for place in range(1, size)) for size in (2, 3, 5, 8, 13)]
    texts = [f"SELECT a FROM t WHERE id IN ({values})" for values in lists]
    calls = [query_of(text, at=0.02 * number, number=number + 1, seconds=0.015) for number, text in enumerate(texts)]
    subject.accept(batch_of(*calls, root_of()))
    shown(subject, 1100.0)
    assert [found.calls for found in insights.queries.findings.newest()] == [5]


def test_pipelines_are_no_n_plus_one(query_of: Any, root_of: Any, batch_of: Any) -> None:
    insights = Insights()
    subject = pipeline(insights)
    extra = {"db.redis.pipeline_length": 300}
    text = "\n".join(["SET ? ?"] * 300)
    calls = [query_of(text, system="redis", at=0.02 * number, number=number + 1, extra=extra) for number in range(30)]
    subject.accept(batch_of(*calls, root_of()))
    shown(subject, 1100.0)
    assert [*insights.queries.findings.newest()] == []
    assert {found.query.statement for found in judged(insights).queries.statistics.all()} == {"BATCH SET ?"}


def test_no_percentile_is_above_the_longest_call_or_below_the_shortest(query_of: Any, batch_of: Any) -> None:
    insights = Insights()
    pipeline(insights).accept(batch_of(query_of(seconds=0.603), query_of(seconds=0.603)))
    (found,) = judged(insights).queries.statistics.all()
    assert set(found.quantiles.values()) == {0.603}


@pytest.mark.parametrize(
    ("name", "calls", "caller"),
    [("graphql_n1.json", 8, "graphql.resolve books.*.author"), ("typeorm_n1.json", 7, "GET")],
)
def test_repeated_queries_are_found_below_resolvers_and_object_mappers(
    name: str, calls: int, caller: str, seen: Any
) -> None:
    found = seen(name)
    (repeated,) = found.insights.queries.findings.newest()
    assert (repeated.kind, repeated.calls, repeated.caller) == ("n_plus_one", calls, caller)
