"""Sections of INFO, on replies recorded from Redis 6.2 and 7.0 and Valkey 9.1."""

import csv
from pathlib import Path

import pytest

from sidecar.app.registry import REDIS_SECTIONS
from sidecar.collect.redis.info import Info, parse_info
from sidecar.collect.redis.section import PipelinedSection, Section, acl_rule
from sidecar.collect.redis.summary import FAMILIES
from tests.unit.collect.redis.answering import server_of
from tests.unit.collect.scraping import values_of

RECORDED = Path(__file__).parent / "recorded"
NOW = 1_700_000_000.0
INFO_SECTIONS = [section for section in REDIS_SECTIONS if isinstance(section, Section)]


def recorded(name: str) -> dict[str, float]:
    """Return what all sections make of a recorded reply."""
    return converted(info_of(name))


def info_of(name: str) -> Info:
    """Return a recorded reply, whose lines are kept with the line ends of a text file."""
    return parse_info((RECORDED / f"{name}.txt").read_text().replace("\n", "\r\n"))


def converted(info: Info) -> dict[str, float]:
    """Return what all sections make of these fields."""
    return values_of(families for section in INFO_SECTIONS for families in section.convert(server_of(info)))


def test_every_family_of_redis_exporter_is_there_with_its_type_and_labels(shared_data: Path) -> None:
    ours = {family.name: family for section in REDIS_SECTIONS for family in section.families}
    ours |= {family.name: family for family in FAMILIES}
    with (shared_data / "exporters" / "redis_metrics.tsv").open() as file:
        theirs = [row for row in csv.DictReader(file, delimiter="\t") if row["scope"] != "excluded"]
    # The process has that one, about requests of its /probe.
    theirs = [row for row in theirs if row["name"] != "redis_target_scrape_request_errors_total"]
    for row in theirs:
        family = ours[row["name"]]
        labels = {label.strip("[]") for label in row["labels"].split(",")} - {""}
        assert (family.type, set(family.labels)) == (row["type"], labels), row["name"]


def test_permissions_are_those_of_the_commands() -> None:
    valkey = {"redis_version": "7.2.4", "valkey_version": "9.1.2", "cluster_enabled": "1"}
    servers = [server_of(valkey), server_of({"redis_version": "7.0.15", "sentinel_masters": "1"})]
    for section in REDIS_SECTIONS:
        if isinstance(section, PipelinedSection):
            commands = [command for server in servers for command in section.commands(server)]
            assert list(dict.fromkeys(map(acl_rule, commands))) == list(section.permissions), section.name


def test_names_stand_for_one_family_with_help() -> None:
    families = [*FAMILIES, *(family for section in REDIS_SECTIONS for family in section.families)]
    families = list(dict.fromkeys(families))  # two sections may tell about the same one
    assert len({family.name for family in families}) == len(families)
    assert all(family.help.endswith(".") for family in families)


@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.0-primary", "redis-7.0-replica", "valkey-9.1"])
def test_what_is_returned_is_declared(name: str) -> None:
    info = info_of(name)
    for section in INFO_SECTIONS:
        assert {families.family for families in section.convert(server_of(info))} <= set(section.families)


def test_primary_tells_of_its_keys_commands_errors_and_replicas() -> None:
    values = recorded("redis-7.0-primary")
    assert values['redis_db_keys{db="db0"}'] == 2
    assert values['redis_db_keys_expiring{db="db0"}'] == 1
    assert values['redis_db_avg_ttl_seconds{db="db0"}'] == pytest.approx(98.164)
    assert values['redis_commands_total{cmd="get"}'] == 2
    assert values['redis_commands_duration_seconds_total{cmd="get"}'] == pytest.approx(9e-6)
    assert values['redis_commands_failed_calls_total{cmd="lpush"}'] == 1
    assert values['redis_errors_total{err="WRONGTYPE"}'] == 1
    assert values['redis_latency_percentiles_usec{cmd="get",quantile="99.9"}'] == pytest.approx(5.023)
    assert values['redis_latency_percentiles_usec_count{cmd="get"}'] == 2
    assert values["redis_connected_slaves"] == 1
    (lag,) = (value for series, value in values.items() if series.startswith("redis_connected_slave_lag_seconds"))
    assert lag == 1
    assert values["redis_rdb_last_bgsave_status"] == 1


def test_replica_tells_of_its_primary() -> None:
    values = recorded("redis-7.0-replica")
    primary = 'master_host="127.0.0.1",master_port="45417"'
    assert values[f"redis_master_link_up{{{primary}}}"] == 1
    assert values[f"redis_master_last_io_seconds_ago{{{primary}}}"] == 3
    assert values[f'redis_slave_info{{{primary},read_only="1"}}'] == 1


def test_lost_link_is_timed() -> None:
    primary = {"master_host": "db", "master_port": "6379"}
    series = 'sidecar_redis_master_link_down_seconds{master_host="db",master_port="6379"}'
    lost = {"master_link_status": "down", "master_link_down_since_seconds": "42"}
    assert converted(primary | lost)[series] == 42
    assert converted(primary | {"master_link_status": "up"})[series] == 0
    assert series not in converted(primary | {"master_link_status": "down"})
    assert series not in converted({"role": "master"})


def test_hashes_with_expiring_fields_are_counted_in_the_words_of_either_server() -> None:
    info = {"db0": "keys=3,expires=0,avg_ttl=0,subexpiry=2", "db1": "keys=1,keys_with_volatile_items=1"}
    values = converted(info)
    assert values['redis_db_keys_with_expiring_items{db="db0"}'] == 2
    assert values['redis_db_keys_with_expiring_items{db="db1"}'] == 1


def test_valkey_has_a_mode_and_its_own_version() -> None:
    (instance,) = (series for series in recorded("valkey-9.1") if series.startswith("redis_instance_info"))
    assert 'redis_mode="standalone"' in instance
    assert 'valkey_version="9.1.2"' in instance


def test_start_time_is_now_minus_uptime() -> None:
    values = recorded("valkey-9.1")
    assert values["redis_start_time_seconds"] == NOW - values["redis_uptime_in_seconds"]


def test_unknown_fields_and_words_are_left_out() -> None:
    info = {"used_memory": "many", "maxmemory": "7", "db0": "keys=1,avg_ttl=soon", "slave_of": "x", "cmdstat_x": ""}
    values = converted(info)
    assert values == {"redis_instance_info": 1, "redis_memory_max_bytes": 7, 'redis_db_keys{db="db0"}': 1}


def test_io_threads_of_valkey_are_told_apart() -> None:
    info = {"used_active_time_io_thread_1": "0.5", "used_active_time_io_thread_2": "1.5"}
    values = converted(info)
    assert values['redis_active_time_io_thread_seconds_total{thread="2"}'] == 1.5
