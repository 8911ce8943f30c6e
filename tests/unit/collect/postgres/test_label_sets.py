"""The limit of label sets that a Postgres view shows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.collect.postgres.label_sets import BoundedLabelSets
from sidecar.collect.postgres.views import locks, stat_activity
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from tests.unit.collect.scraping import values_of

COMMITS = Family("pg_stat_database_xact_commit", MetricType.COUNTER, "Commits.", ("datname",))
LIMIT = Family("pg_database_connection_limit", MetricType.GAUGE, "A limit.", ("datname",))


def of_databases(family: Family, counts: dict[str, float]) -> FamilySamples:
    return FamilySamples(family, [Sample(family.name, (("datname", name),), count) for name, count in counts.items()])


def test_databases_over_the_limit_are_one_series_of_a_counter_and_none_of_a_limit() -> None:
    sets = BoundedLabelSets(2)
    counts = {"a": 5.0, "b": 1.0, "c": 9.0, "d": 2.0}
    families = sets.bounded("stat_database", [of_databases(COMMITS, counts), of_databases(LIMIT, dict(counts))])
    assert values_of(families) == {
        'pg_stat_database_xact_commit{datname="a"}': 5,
        'pg_stat_database_xact_commit{datname="c"}': 9,
        'pg_stat_database_xact_commit{datname="other"}': 3,
        'pg_database_connection_limit{datname="a"}': 5,
        'pg_database_connection_limit{datname="c"}': 9,
    }
    assert sets.summed == {"stat_database": 2}
    assert values_of(sets.families()) == {'sidecar_pg_label_sets_summed{collector="stat_database"}': 2}


def test_within_the_limit_nothing_changes() -> None:
    sets = BoundedLabelSets(4)
    families = [of_databases(COMMITS, {"a": 5.0, "b": 1.0})]
    assert sets.bounded("stat_database", families) is families
    assert sets.summed == {"stat_database": 0}


def test_sessions_of_applications_without_end_are_summed_by_state_and_the_longest_transaction_stays() -> None:
    def of_applications(family: Family, value: float) -> FamilySamples:
        samples = [
            Sample(family.name, labels_of({"application_name": f"app{n}", "state": "active"}), value + n)
            for n in range(10)
        ]
        return FamilySamples(family, samples)

    sets = BoundedLabelSets(3)
    given = [of_applications(stat_activity.COUNT, 1.0), of_applications(stat_activity.LONGEST, 100.0)]
    values = values_of(sets.bounded("stat_activity", given))
    rest = 'application_name="other",state="active"'
    assert values[f"pg_stat_activity_count{{{rest}}}"] == sum(range(1, 8))
    assert values[f"pg_stat_activity_max_tx_duration{{{rest}}}"] == 106
    assert len(values) == 8


def test_locks_are_summed_by_mode() -> None:
    modes = ("accesssharelock", "exclusivelock")
    samples = [
        Sample(locks.COUNT.name, (("datname", f"d{n}"), ("mode", mode)), 1.0) for n in range(5) for mode in modes
    ]
    values = values_of(BoundedLabelSets(4).bounded("locks", [FamilySamples(locks.COUNT, samples)]))
    assert [values[f'pg_locks_count{{datname="other",mode="{mode}"}}'] for mode in modes] == [1, 1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, 12), st.integers(0, 9), min_size=1), min_size=1, max_size=6))
def test_a_database_that_is_shown_stays_and_no_counter_goes_back(growth: list[dict[int, int]]) -> None:
    sets, counts, before = BoundedLabelSets(5), dict[str, float](), dict[str, float]()
    for more in growth:
        for number, by in more.items():
            counts[f"d{number}"] = counts.get(f"d{number}", 0.0) + by
        now = values_of(sets.bounded("v", [of_databases(COMMITS, counts)]))
        assert sum(now.values()) == sum(counts.values())
        assert len(now) <= 6
        assert all(now[series] >= value for series, value in before.items())
        before = now
