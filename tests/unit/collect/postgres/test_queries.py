"""Queries of the operator's own: what a file may say, and what becomes of the rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.load import load_queries
from sidecar.collect.postgres.queries.query import Query
from sidecar.collect.postgres.queries.statement import DATABASE, TOTAL, first_row, limited, one_statement
from sidecar.collect.postgres.queries.versions import by_version, parse_versions
from sidecar.collect.postgres.queries.views import QueryOverlaps, views_of, with_queries
from sidecar.collect.postgres.view import Notes, Schedule, Server, View
from sidecar.collect.postgres.wire import Interval, Moment, Money
from sidecar.model.errors import ConfigError, TargetError
from sidecar.model.family import MetricType
from sidecar.model.go_duration import parse_go_duration
from tests.fakes import RecordedEvents
from tests.unit.collect.scraping import values_of

CONFIG = PostgresConfig.model_validate({"dsn": "postgresql://db", "timeout_seconds": 8})
SERVER = Server(150018, address="db:5432")

EXPORTERS_FILE = """
pg_replication:
  query: "SELECT pg_is_in_recovery()::int AS is_in_recovery, 0 AS lag"
  master: true
  metrics:
    - is_in_recovery: {usage: "GAUGE", description: "1 on a replica"}
    - lag: {usage: "GAUGE", description: "Seconds behind"}
pg_postmaster:
  query: "SELECT pg_postmaster_start_time AS start_time_seconds FROM pg_postmaster_start_time()"
  metrics:
    - start_time_seconds: {usage: "GAUGE", description: "Start"}
pg_stat_user_tables:
  query: "SELECT current_database() datname, schemaname, relname, seq_scan, n_live_tup FROM pg_stat_user_tables;"
  metrics:
    - datname: {usage: "LABEL", description: "Database"}
    - schemaname: {usage: "LABEL", description: "Schema"}
    - relname: {usage: "LABEL", description: "Table"}
    - seq_scan: {usage: "COUNTER", description: "Sequential scans"}
    - n_live_tup: {usage: "GAUGE", description: "Live rows"}
pg_database:
  query: " SELECT pg_database.datname, pg_database_size(pg_database.datname) AS size FROM pg_database"
  cache_seconds: 30
  metrics:
    - datname: {usage: "LABEL", description: "Database"}
    - size: {usage: "GAUGE", description: "Bytes"}
"""
"""In the shape of the file that postgres_exporter comes with."""


def load(*texts: str) -> tuple[Query, ...]:
    files = [(f"{number}.yaml", text) for number, text in enumerate(texts)]
    return load_queries(files, [view.name for view in POSTGRES_VIEWS], 8.0)


def problems_of(*texts: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(*texts)
    return str(caught.value).splitlines()


def view_of(text: str, given: Mapping[str, str] | None = None) -> View:
    (view,) = views_of(load(text), CONFIG, given or {})
    return view


def converted(text: str, *rows: Mapping[str, Any]) -> dict[str, float]:
    return values_of(view_of(text).convert(rows, SERVER))


def shop(metrics: str, more: str = "") -> str:
    return f"shop:\n  query: SELECT 1\n{more}  metrics:\n" + "".join(f"    - {line}\n" for line in metrics.splitlines())


def test_columns_become_metrics_of_their_usage_with_the_server_as_a_label() -> None:
    text = shop("a: {usage: LABEL}\nb: {usage: COUNTER, description: Bees}\nc: {usage: GAUGE}\nd: {usage: DISCARD}")
    view = view_of(text)
    families = {family.name: family for family in view.families}
    assert (families["shop_b"].type, families["shop_b"].help) == (MetricType.COUNTER, "Bees")
    assert families["shop_c"].type is MetricType.GAUGE
    assert families["shop_b"].labels == ("a", "server")
    values = values_of(view.convert([{"a": "x", "b": 2, "c": Decimal("1.5"), "d": "no", "e": True}], SERVER))
    assert values == {
        'shop_b{a="x",server="db:5432"}': 2,
        'shop_c{a="x",server="db:5432"}': 1.5,
        'shop_e{a="x",server="db:5432"}': 1,
        'sidecar_pg_query_rows_left_out{collector="shop"}': 0,
    }


def test_a_column_that_the_file_does_not_speak_of_is_untyped_if_it_is_a_number() -> None:
    families = list(view_of("shop: {query: SELECT 1}\n").convert([{"n": 3, "t": "text", "?column?": 1}], SERVER))
    shown = {family.name: (family.type, len(samples)) for family, samples in families}
    assert shown["shop_n"] == (MetricType.UNTYPED, 1)
    assert shown["shop_t"] == (MetricType.UNTYPED, 0)
    assert len(shown) == 3


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7.0),
        (True, 1.0),
        (Decimal("0.1"), 0.1),
        ("12.5", 12.5),
        (b"3", 3.0),
        (Moment(1_704_067_200.0), 1_704_067_200.0),
        (Moment(math.inf), math.inf),
        (Money(12.5), 12.5),
        (Decimal("1e400"), math.inf),
        (Decimal("-Infinity"), -math.inf),
        (-(10**400), -math.inf),
        ("1e400", math.inf),
        ("-Infinity", -math.inf),
        (None, None),
    ],
)
def test_what_a_database_calls_a_value_becomes_a_number(value: Any, number: float | None) -> None:
    values = converted(shop("v: {usage: GAUGE}"), {"v": value})
    assert values.get('shop_v{server="db:5432"}') == number


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("c4nary", "text"),
        ("1_000", "text"),
        ("\u0661", "text"),
        (Interval(0, 0, 1), "an interval"),
        ([1], "an array"),
        (b"c4nary\xe9", "text"),
    ],
)
def test_a_value_that_is_no_number_is_left_out_alone_and_told_by_column_and_kind(value: Any, kind: str) -> None:
    server = replace(SERVER, notes=Notes())
    rows = [{"id": "a", "v": value, "n": 1}, {"id": "b", "v": 7, "n": 2}]
    families = view_of(shop("id: {usage: LABEL}\nv: {usage: GAUGE}\nn: {usage: GAUGE}")).convert(rows, server)
    shown = {name: value for name, value in values_of(families).items() if name.startswith("shop")}
    assert shown == {
        'shop_v{id="b",server="db:5432"}': 7,
        'shop_n{id="a",server="db:5432"}': 1,
        'shop_n{id="b",server="db:5432"}': 2,
    }
    assert (server.notes.left_out, server.notes.example) == (1, f"column `v` is {kind} where a number is needed")


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("1m30s", 90_000.0),
        ("1.5h", 5_400_000.0),
        ("250ms", 250.0),
        (Interval(0, 0, 2_000_000), 2000.0),
        ("17", 17.0),
        (17, 17.0),
        ("-1", None),
        (None, None),
    ],
)
def test_durations_are_in_milliseconds(value: Any, milliseconds: float | None) -> None:
    values = converted(shop("v: {usage: DURATION}"), {"v": value})
    assert values.get('shop_v_milliseconds{server="db:5432"}') == milliseconds


def test_texts_are_mapped_and_one_that_is_not_listed_is_told() -> None:
    text = shop("v: {usage: MAPPEDMETRIC, metric_mapping: {up: 1, down: 0}}")
    assert converted(text, {"v": "up"})['shop_v{server="db:5432"}'] == 1
    assert 'shop_v{server="db:5432"}' not in converted(text, {"v": None})
    server = replace(SERVER, notes=Notes())
    assert not any(
        samples for family, samples in view_of(text).convert([{"v": "c4nary"}], server) if family.labels == ("server",)
    )
    assert "column `v` is a text that `metric_mapping` does not have" in server.notes.example


def test_a_histogram_is_made_of_two_arrays_a_sum_and_a_count() -> None:
    row = {"v": [Decimal("0.5"), 1], "v_bucket": [3, 7], "v_sum": 4.5, "v_count": 9}
    values = converted(shop("v: {usage: HISTOGRAM}"), row)
    assert {name: value for name, value in values.items() if name.startswith("shop")} == {
        'shop_v_bucket{le="0.5",server="db:5432"}': 3,
        'shop_v_bucket{le="1",server="db:5432"}': 7,
        'shop_v_bucket{le="+Inf",server="db:5432"}': 9,
        'shop_v_sum{server="db:5432"}': 4.5,
        'shop_v_count{server="db:5432"}': 9,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v_count": ...}, "column `v_count` is a part of a histogram, and not in the result"),
        ({"v": 3}, "column `v` is int where a histogram needs an array"),
    ],
)
def test_a_histogram_that_lacks_a_part_is_told(change: dict[str, Any], message: str) -> None:
    row = {"v": [1], "v_bucket": [3], "v_sum": 4.5, "v_count": 9} | change
    with pytest.raises(TargetError, match=message):
        converted(shop("v: {usage: HISTOGRAM}"), {name: value for name, value in row.items() if value is not ...})


def test_labels_are_text_cut_to_their_length_and_null_is_none() -> None:
    names = "abcde"
    text = shop("\n".join(f"{name}: {{usage: LABEL}}" for name in names) + "\nn: {usage: GAUGE}")
    row = {"a": True, "b": 2.0, "c": None, "d": Moment(1_704_067_200.0), "e": "x" * 300, "n": 1}
    (series,) = (name for name in converted(text, row) if name.startswith("shop_n"))
    assert series == f'shop_n{{a="true",b="2",d="1704067200",e="{"x" * 200}",server="db:5432"}}'


def test_a_label_that_the_result_lacks_is_told() -> None:
    with pytest.raises(TargetError, match="query `shop`: column `a` is a label, and not in the result"):
        converted(shop("a: {usage: LABEL}"), {"n": 1})


def test_rows_over_the_limit_are_left_out_and_counted() -> None:
    text = shop("n: {usage: GAUGE}\nid: {usage: LABEL}", "  max_rows: 2\n")
    shown = converted(text, *({"id": str(number), "n": 1, TOTAL: 10, DATABASE: "d"} for number in range(2)))
    assert shown['sidecar_pg_query_rows_left_out{collector="shop",datname="d"}'] == 8
    unlimited = converted(text, *({"id": str(number), "n": 1} for number in range(5)))
    assert unlimited['sidecar_pg_query_rows_left_out{collector="shop"}'] == 3
    assert sum(name.startswith("shop_n") for name in unlimited) == 2


def test_a_query_of_each_database_counts_what_is_left_out_by_database() -> None:
    view = view_of("shop: {query: SELECT 1, databases: true}\n")
    assert view.schedule.per_database
    assert 'sidecar_pg_query_rows_left_out{collector="shop",datname="wiki"}' in values_of(
        view.convert([{"n": 1, TOTAL: 1, DATABASE: "wiki"}], SERVER)
    )


def test_every_mistake_is_told_at_its_place_with_what_was_meant() -> None:
    assert problems_of(
        """\
shop:
  qeury: SELECT 1
  cache_seconds: often
  metrics:
    - a: {usage: GAGE}
2nd: {query: SELECT 1}
locks: {query: SELECT 1}
empty:
two: {query: SELECT 1; SELECT 2, timeout_seconds: 8}
range: {query: SELECT 1, runonserver: "> ten"}
again: {query: SELECT 1, cache_seconds: 1, interval_seconds: 1}
once: {query: SELECT 1, master: true, databases: true}
deep: {query: SELECT 1, min_version: new}
""",
        "shop: {query: SELECT 1}\n",
    ) == [
        "0.yaml:2:3: `shop.query`: field required",
        "0.yaml:2:3: `shop`: unknown key `qeury`; did you mean `query`?",
        "0.yaml:3:18: `shop.cache_seconds`: input should be a valid number, unable to parse string as a number",
        "0.yaml:5:18: `shop.metrics.0.a.usage`: there is no usage `GAGE`; did you mean `GAUGE`?",
        "0.yaml:6:1: no metric may begin with `2nd`",
        "0.yaml:7:1: a collector is called `locks` already; give the query another name",
        "0.yaml:8:7: `empty`: should be a mapping of keys to values",
        "0.yaml:9:14: `two.query`: more than one statement; a query is a single one",
        "0.yaml:10:39: `range.runonserver`: `> ten` is not a comparison with a version such as `>=10.0.0`",
        "0.yaml:11:8: `again`: give one of `cache_seconds` and `interval_seconds`",
        "0.yaml:12:7: `once`: give one of `master` and `databases`",
        "0.yaml:13:38: `deep.min_version`: `new` is not a version such as `13` or `9.6`",
    ]


def test_every_mistake_in_a_column_is_told_at_its_place() -> None:
    metrics = """\
a: {usage: GAGE}
b: {usage: LABEL, descripton: x}
c: {usage: LABEL}
c: {usage: LABEL}
server: {usage: LABEL}
d-e: {usage: GAUGE}
1e: {usage: LABEL}
f: {usage: MAPPEDMETRIC}
"""
    assert problems_of(shop(metrics)) == [
        "0.yaml:4:18: `shop.metrics.0.a.usage`: there is no usage `GAGE`; did you mean `GAUGE`?",
        "0.yaml:5:25: `shop.metrics.1.b`: unknown key `descripton`; did you mean `description`?",
        "0.yaml:7:7: column `c` is given twice",
        "0.yaml:8:7: every series has a label `server` already; name the column in the query with AS",
        "0.yaml:9:7: `d-e` cannot be the end of a metric's name; name it in the query with AS",
        "0.yaml:10:7: `1e` is not a label name; name it in the query with AS",
        "0.yaml:11:10: `shop.metrics.7.f`: `metric_mapping` goes with the usage MAPPEDMETRIC, and only with it",
    ]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["shop: {query: SELECT 1}\n"] * 2, "1.yaml:1:1: a collector is called `shop` already; give the query another"),
        (["- a\n"], "0.yaml:1:1: a queries file is a mapping of names to queries"),
        (["a: [\n"], "0.yaml:2:1: not valid YAML"),
        (["a: {query: SELECT 1, timeout_seconds: 9}\n"], "0.yaml:1:39: `9`: must be less than the 8 s that a whole"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(texts: Sequence[str], message: str) -> None:
    (problem,) = problems_of(*texts)
    assert problem.startswith(message)


def test_a_dollar_in_a_query_is_a_dollar() -> None:
    (query,) = load("shop:\n  query: SELECT $$it$$ || '${HOME}'\n")
    assert query.config.query == "SELECT $$it$$ || '${HOME}'"
    assert load("") == ()


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("SELECT 1;", "SELECT 1"),
        ("\n SELECT ';' ; -- all;\n", "SELECT ';'"),
        ('/* a; */ SELECT $x$;$x$ AS ";" ;; /* b */', 'SELECT $x$;$x$ AS ";"'),
        (r"SELECT E'\';'", r"SELECT E'\';'"),
        ("SELECT 'it''s;'", "SELECT 'it''s;'"),
    ],
)
def test_what_follows_a_statement_is_dropped(text: str, statement: str) -> None:
    assert one_statement(text) == statement


@pytest.mark.parametrize("text", ["", " ; ", "-- nothing\n"])
def test_no_statement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="there is no statement"):
        one_statement(text)


def test_only_a_table_can_be_limited_by_the_server() -> None:
    for statement in ("SELECT 1", "with a AS (SELECT 1) SELECT 1", "(SELECT 1)", "VALUES (1)", "-- c\nTABLE t"):
        assert f"FROM (\n{statement}\n)" in limited(statement, 7)
        assert limited(statement, 7).endswith("LIMIT 7\n")
    assert limited("SHOW work_mem", 7) == first_row("SHOW work_mem") == "SHOW work_mem"


def test_a_predicate_has_one_row() -> None:
    assert (
        first_row("TABLE big -- all").split() == "SELECT * FROM ( TABLE big -- all ) AS sidecar_query LIMIT 1".split()
    )


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        (">=10.0.0", {100000, 150018, 180006}),
        (">=10.0.0 <15.0.0", {100000}),
        (">= 15.18.0, < 18.0.0", {150018}),
        ("<10.0.0 || >=18.0.0", {90624, 180006}),
        ("9.6.x", {90624}),
        ("15", {150018}),
        ("!15.x", {90624, 100000, 180006}),
        (">15.18.0", {180006}),
        ("<=15", {90624, 100000, 150018}),
        (">9.6.23 <=10", {90624, 100000}),
        ("=15.18.1", set()),
    ],
)
def test_versions_are_chosen_as_the_exporter_does(text: str, fitting: set[int]) -> None:
    versions = parse_versions(text)
    view = View(name="v", sql=by_version("SELECT 1", [versions]), families=(), convert=lambda rows, server: ())
    assert {version for version in (90624, 100000, 150018, 180006) if view.sql_for(version)} == fitting


@pytest.mark.parametrize("text", ["", "10 ||", "abc", ">=10.0.0 and 11", "10.0.0.0", ">=", "1.2.3-rc1"])
def test_what_is_no_range_of_versions_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"version"):
        parse_versions(text)


def test_all_that_says_for_which_versions_must_hold() -> None:
    view = view_of('shop: {query: SELECT 1, runonserver: "<18.0.0", min_version: 13, max_version: "16"}\n')
    assert [bool(view.sql_for(version)) for version in (120010, 130000, 160010, 170000)] == [False, True, True, False]


def test_a_view_has_the_querys_interval_limits_predicate_and_databases() -> None:
    text = (
        "shop: {query: SELECT 1, timeout_seconds: 0.5, predicate: 'SELECT true;', interval_seconds: 60, master: true}\n"
    )
    view = view_of(text)
    assert (view.limits.statement_seconds, view.predicate) == (0.5, first_row("SELECT true"))
    assert (view.limits.roles_names, view.operators_own) == (True, True)
    assert view.schedule == Schedule(every_seconds=60, slow=True)
    plain = view_of("shop: {query: SELECT 1}\n")
    assert (plain.limits.statement_seconds, plain.schedule) == (2.0, Schedule(per_database=True, slow=True))


def test_the_exporters_own_file_loads_and_gives_what_the_views_do_not() -> None:
    events = RecordedEvents()
    queries = load(EXPORTERS_FILE)
    config = PostgresConfig.model_validate({"dsn": "postgresql://db", "views": {"include": ["postmaster"]}})
    views = with_queries(POSTGRES_VIEWS, queries, config, events)
    own = {view.name: view for view in views[len(POSTGRES_VIEWS) :]}
    assert "pg_database" in own
    assert own["pg_database"].schedule.every_seconds == 30
    assert "pg_stat_user_tables" not in own
    assert "pg_postmaster" not in own
    told = {event.query: event for event in events.seen if isinstance(event, QueryOverlaps)}
    assert told["pg_postmaster"] == QueryOverlaps(
        "postgres/postgres", "pg_postmaster", "`pg_postmaster_start_time_seconds` is", "postmaster"
    )
    assert "`pg_stat_user_tables_seq_scan`, `pg_stat_user_tables_n_live_tup` are" in str(told["pg_stat_user_tables"])


def test_a_query_gives_all_when_the_view_that_gives_the_same_is_excluded() -> None:
    events = RecordedEvents()
    config = PostgresConfig.model_validate({"dsn": "postgresql://db", "views": {"exclude": ["stat_user_tables"]}})
    views = with_queries(POSTGRES_VIEWS, load(EXPORTERS_FILE), config, events)
    (view,) = (view for view in views if view.name == "pg_stat_user_tables")
    assert "pg_stat_user_tables_seq_scan" in {family.name for family in view.families}
    assert "pg_stat_user_tables" not in [event.query for event in events.seen if isinstance(event, QueryOverlaps)]


def test_a_family_that_others_give_is_left_out_of_a_query() -> None:
    view = view_of(shop("a: {usage: GAUGE}\nb: {usage: GAUGE}"), {"shop_a": "other", "shop_c": "other"})
    values = values_of(view.convert([{"a": 1, "b": 2, "c": 3}], SERVER))
    assert list(values) == ['sidecar_pg_query_rows_left_out{collector="shop"}', 'shop_b{server="db:5432"}']


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("1h", 3600), ("1h15m30.918s", 4530.918), ("-1.5h", -5400), ("100us", 1e-4), (".5s", 0.5)],
)
def test_go_durations_are_read(text: str, seconds: float) -> None:
    assert parse_go_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "5 s", "s", "1d", "1.2.3s", "\uff11s"])
def test_what_is_no_go_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_go_duration(text)
