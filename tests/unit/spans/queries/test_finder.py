"""Each call has its query, by the bytes of its text."""

from typing import Any

import pytest

from sidecar.fingerprint.statement import normalised as statement
from sidecar.spans.insights import Insights
from sidecar.spans.queries import finder
from sidecar.spans.queries.finder import CHARACTERS, NOT_READ
from tests.unit.spans.pipelines import judged, pipeline


@pytest.fixture
def insights() -> Insights:
    return Insights()


def calls(insights: Insights) -> dict[str, float]:
    return {found.query.statement: found.calls for found in judged(insights).queries.statistics.all()}


@pytest.mark.parametrize(
    ("attributes", "name", "expected"),
    [
        ({"db.system.name": "postgresql", "db.query.text": "SELECT 'a' FROM t"}, "x", "SELECT ? FROM t"),
        ({"db.system": "mysql", "db.statement": 'SELECT "a" FROM t'}, "x", "SELECT ? FROM t"),
        ({"db.system": "redis", "db.statement": "GET user:1"}, "GET", "GET ?"),
        ({"db.system": "redis"}, "GET", "GET"),
        ({"db.system.name": "mongodb", "db.operation.name": "find", "db.collection.name": "users"}, "x", "find users"),
        ({"db.system.name": "postgresql", "db.query.text": "a", "db.statement": "b"}, "x", "a"),
        ({"db.system.name": "postgresql", "db.query.text": ""}, "SELECT", "SELECT"),
        ({"db.system.name": "postgresql", "db.query.text": 4711}, "x", "?"),
        ({"db.system.name": "postgresql"}, "shop.items", "(none)"),
    ],
)
def test_a_query_is_found_by_every_naming(
    attributes: dict[str, Any], name: str, expected: str, span_of: Any, batch_of: Any, insights: Insights
) -> None:
    pipeline(insights).accept(batch_of(span_of(name, "CLIENT", attributes=attributes)))
    assert calls(insights) == {expected: 1}


def test_only_clients_of_databases_have_queries(span_of: Any, batch_of: Any, insights: Insights) -> None:
    database = {"db.system.name": "postgresql", "db.query.text": "SELECT 1"}
    pipeline(insights).accept(
        batch_of(
            span_of(kind="SERVER", attributes=database),
            span_of(kind="INTERNAL", attributes=database),
            span_of(kind="CLIENT", attributes={"http.request.method": "GET"}),
        )
    )
    assert calls(insights) == {}


def test_where_the_text_is_among_the_attributes_does_not_matter(
    span_of: Any, batch_of: Any, insights: Insights
) -> None:
    texts = [f"SELECT a{number} FROM t" for number in range(3)]
    spans = []
    for number, text in enumerate(texts * 2):
        parts = {"db.system.name": "postgresql", "db.query.text": text, "server.port": 5432, "x": number}
        keys = list(parts)
        turned = [*keys[number % 4 :], *keys[: number % 4]]
        spans.append(span_of("q", "CLIENT", attributes={key: parts[key] for key in turned}))
        spans.append(span_of("q", "CLIENT", attributes={"db.system.name": "postgresql"}))
    subject = pipeline(insights)
    for span in spans:
        subject.accept(batch_of(span))
    assert calls(insights) == {**dict.fromkeys(texts, 2), "q": 6}


def test_of_texts_that_differ_in_values_one_is_read(
    query_of: Any, batch_of: Any, insights: Insights, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def masked(system: str, text: str) -> str:
        read.append(text)
        return statement(system, text)

    monkeypatch.setattr(insights.queries.redactor, "statement", masked)
    subject = pipeline(insights)
    for number in range(100):
        of_one, of_all = f"SELECT a FROM t WHERE b = 'x{number}'", f"SELECT a FROM t WHERE c = {number}"
        subject.accept(batch_of(query_of(of_one), query_of(of_all)))
    assert calls(insights) == {"SELECT a FROM t WHERE b = ?": 100, "SELECT a FROM t WHERE c = ?": 100}
    assert len(read) == 2


def test_texts_that_were_forgotten_are_read_again(
    query_of: Any, batch_of: Any, insights: Insights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "_REMEMBERED", 5)
    subject = pipeline(insights)
    for number in range(100):
        subject.accept(
            batch_of(query_of(f"SELECT a{number % 12} FROM t"), query_of(f"SELECT 1 FROM t WHERE b = {number}"))
        )
    assert calls(insights) == {
        **{f"SELECT a{number} FROM t": 9 if number < 4 else 8 for number in range(12)},
        "SELECT ? FROM t WHERE b = ?": 100,
    }


def test_of_very_many_new_texts_at_once_some_are_not_read(query_of: Any, batch_of: Any, insights: Insights) -> None:
    spans = [query_of(f"SELECT {'a, ' * 2000} a{number} FROM t") for number in range(30)]
    subject = pipeline(insights)
    subject.accept(batch_of(*spans))
    unread = calls(insights)[NOT_READ]
    assert unread == 30 - (CHARACTERS // 6000 + 1)
    subject.accept(batch_of(*spans[-3:]))
    assert calls(insights)[NOT_READ] == unread


@pytest.mark.parametrize(
    ("system", "text"),
    [
        ("postgresql", "/* c4nary */ SELECT 'c4nary', $$c4nary$$ FROM t"),
        ("mysql", "SELECT \"c4nary\", 'it\\'s c4nary' FROM t # c4nary"),
        ("something", "SELECT \"c4nary\", 'it\\'s c4nary' FROM t"),
        ("mongodb", '{"find": "c4nary", "filter": {"a": ["c4nary"]}}'),
        ("redis", "SET c4nary c4nary"),
        ("valkey", "c4nary"),
        ("memcached", "set c4nary c4nary"),
    ],
)
def test_no_value_is_kept(system: str, text: str, query_of: Any, batch_of: Any, insights: Insights) -> None:
    pipeline(insights).accept(batch_of(query_of(text, system=system)))
    (statement,) = calls(insights)
    assert "c4nary" not in statement


def test_batches_are_told_from_single_calls(query_of: Any, batch_of: Any, insights: Insights) -> None:
    text = "INSERT INTO t VALUES ($1)"
    sizes: tuple[dict[str, int], ...] = ({}, {"db.operation.batch.size": 2}, {"db.operation.batch.size": 30})
    pipeline(insights).accept(batch_of(*[query_of(text, extra=extra) for extra in sizes]))
    assert calls(insights) == {"INSERT INTO t VALUES (?)": 1, "BATCH INSERT INTO t VALUES (?)": 2}
