"""Histograms of execution time by command."""

from sidecar.collect.redis.sections.latency_histogram import EDGES, SECTION
from tests.unit.collect.redis.answering import answered, asked, server_of, wire

INFO = {
    "redis_version": "7.0.15",
    "cmdstat_get": "calls=5,usec=20",
    "cmdstat_set": "calls=300,usec=500,usec_per_call=1.67",
    "cmdstat_setex": "usec=9",
}


def test_histogram_has_every_bucket_also_those_the_server_leaves_out() -> None:
    histograms = wire({"set": {"calls": 300, "histogram_usec": {2: 290, 33: 299, 1073741: 300}}})
    values = answered(SECTION, server_of(INFO), {"LATENCY HISTOGRAM": histograms})
    bucket = 'redis_commands_latencies_usec_bucket{{cmd="set",le="{}"}}'.format
    assert [values[bucket(edge)] for edge in (1, 2, 4, 16, 33, 66, 541065)] == [0, 290, 290, 290, 299, 299, 299]
    assert values[bucket("1.073741e+06")] == values[bucket("+Inf")] == 300
    assert values['redis_commands_latencies_usec_sum{cmd="set"}'] == 500
    assert values['redis_commands_latencies_usec_count{cmd="set"}'] == 300
    assert len(values) == len(EDGES) + 3


def test_edge_of_a_later_server_counts_at_the_next_of_ours() -> None:
    histograms = wire({"get": {"calls": 5, "histogram_usec": {32: 4, 2000000: 5}}})
    values = answered(SECTION, server_of(INFO), {"LATENCY HISTOGRAM": histograms})
    bucket = 'redis_commands_latencies_usec_bucket{{cmd="get",le="{}"}}'.format
    assert [values[bucket(edge)] for edge in (16, 33, "1.073741e+06", "+Inf")] == [0, 4, 4, 5]


def test_command_first_called_after_info_waits_for_its_sum() -> None:
    histograms = wire({"ttl": {"calls": 1, "histogram_usec": {2: 1}}})
    assert answered(SECTION, server_of(INFO), {"LATENCY HISTOGRAM": histograms}) == {}


def test_nothing_measured_is_nothing_told() -> None:
    assert answered(SECTION, server_of(INFO), {"LATENCY HISTOGRAM": []}) == {}


def test_histograms_are_asked_for_from_redis_7_on() -> None:
    assert asked(SECTION, server_of({"redis_version": "6.2.14"})) == []
    assert asked(SECTION, server_of({"redis_version": "8.0.1"})) == ["LATENCY HISTOGRAM"]
    assert asked(SECTION, server_of({"redis_version": "7.0.15", "sentinel_masters": "1"})) == []
