"""Limits of the lists in INFO."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.app.registry import REDIS_SECTIONS
from sidecar.collect.redis.info import Info, parse_info, parse_pairs
from sidecar.collect.redis.lists import LISTS, BoundedLists
from sidecar.collect.redis.section import Section
from sidecar.collect.redis.sections import empty_databases
from tests.unit.collect.redis.answering import answered, server_of, wire
from tests.unit.collect.scraping import values_of

MOST = {one.name: one.most for one in LISTS}


def errors(counts: dict[str, int]) -> dict[str, str]:
    return {f"errorstat_{name}": f"count={count}" for name, count in counts.items()}


def count_of(info: Info, name: str) -> int:
    return int(parse_pairs(info[f"errorstat_{name}"])["count"])


def shown(info: Info) -> dict[str, float]:
    sections = [section for section in REDIS_SECTIONS if isinstance(section, Section)]
    return values_of(families for section in sections for families in section.convert(server_of(info)))


def test_sixty_thousand_errors_of_scripts_are_a_hundred_and_one_and_the_server_s_own_are_all_there() -> None:
    lines = [f"errorstat_E{number}:count={number}" for number in range(60_000)]
    text = "\r\n".join(["# Errorstats", *lines, "errorstat_WRONGTYPE:count=1", "errorstat_ERR:count=2"])
    lists = BoundedLists()
    values = shown(lists.bounded(parse_info(text)))
    assert len(values) == MOST["errorstats"] + 1 + 2 + 1
    assert values['redis_errors_total{err="WRONGTYPE"}'] == 1
    assert values['redis_errors_total{err="ERR"}'] == 2
    assert values['redis_errors_total{err="E59999"}'] == 59_999
    assert values['redis_errors_total{err="other"}'] == sum(range(60_000 - MOST["errorstats"]))
    assert lists.summed["errorstats"] == 60_000 - MOST["errorstats"]


def test_within_its_limit_a_list_is_as_it_was() -> None:
    info = errors({f"E{number}": 1 for number in range(MOST["errorstats"])}) | {"used_memory": "1", "db0": "keys=1"}
    lists = BoundedLists()
    assert lists.bounded(info) == info
    assert set(lists.summed.values()) == {0}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, 150), st.integers(0, 1000)), max_size=6), st.randoms())
def test_no_series_of_a_list_comes_and_goes_and_no_counter_goes_back(
    added: list[dict[int, int]], random: Random
) -> None:
    lists, counts, before = BoundedLists(), dict[str, int](), dict[str, int]()
    for growth in added:
        for number, more in growth.items():
            counts[f"E{number}"] = counts.get(f"E{number}", 0) + more
        order = sorted(counts)
        random.shuffle(order)
        info = lists.bounded(errors({name: counts[name] for name in order}))
        now = {field.removeprefix("errorstat_"): count_of(info, field.removeprefix("errorstat_")) for field in info}
        assert sum(now.values()) == sum(counts.values())
        assert len(now) <= MOST["errorstats"] + 1
        assert all(now[name] >= count for name, count in before.items())
        before = now


def test_who_is_called_like_the_rest_is_part_of_it() -> None:
    counts = {"other": 1000, **{f"E{number}": 1 for number in range(MOST["errorstats"])}}
    info = BoundedLists().bounded(errors(counts))
    assert count_of(info, "other") == 1001


def test_long_names_are_part_of_the_rest() -> None:
    info = BoundedLists().bounded(errors({"x" * 10_000: 3, "E": 1}))
    assert info == errors({"E": 1, "other": 3})


def test_commands_of_modules_are_summed_and_their_percentiles_left_out() -> None:
    count = MOST["commandstats"] + 5
    info = {f"cmdstat_m.{number:04}": f"calls=2,usec={count - number},failed_calls=1" for number in range(count)}
    info |= {f"latency_percentiles_usec_m.{number:04}": "p50=1" for number in range(count)}
    values = shown(BoundedLists().bounded(info))
    assert values['redis_commands_total{cmd="other"}'] == 10
    assert values['redis_commands_failed_calls_total{cmd="other"}'] == 5
    assert len([series for series in values if 'quantile="50"' in series]) == MOST["latencystats"]


def test_databases_over_the_limit_are_summed_and_not_taken_for_empty() -> None:
    info = {f"db{number}": "keys=2,expires=1,avg_ttl=5" for number in range(MOST["keyspace"] + 3)}
    bounded = BoundedLists().bounded(info)
    values = shown(bounded)
    assert values['redis_db_keys{db="other"}'] == 6
    assert values['redis_db_keys_expiring{db="other"}'] == 3
    assert 'redis_db_avg_ttl_seconds{db="other"}' not in values
    command = {"CONFIG GET databases": wire(["databases", "1000"])}
    assert answered(empty_databases.SECTION, server_of(bounded), command) == {}


def test_replicas_over_the_limit_are_left_out_and_counted() -> None:
    info = {f"slave{number}": f"ip=h{number},port=1,state=online,offset=1,lag=0" for number in range(150)}
    lists = BoundedLists()
    assert len([field for field in lists.bounded(info) if field.startswith("slave")]) == MOST["replicas"]
    assert lists.summed["replicas"] == 50
