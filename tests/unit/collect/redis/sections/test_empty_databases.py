"""Databases without keys."""

from sidecar.collect.redis.sections.empty_databases import SECTION
from tests.unit.collect.redis.answering import answered, asked, server_of, wire

INFO = {"db0": "keys=2,expires=0,avg_ttl=0"}
NODE = {"cluster_enabled": "1"}


def test_databases_that_info_does_not_list_have_no_keys() -> None:
    assert answered(SECTION, server_of(INFO), {"CONFIG GET databases": wire(["databases", "3"])}) == {
        'redis_db_keys{db="db1"}': 0,
        'redis_db_keys{db="db2"}': 0,
        'redis_db_keys_expiring{db="db1"}': 0,
        'redis_db_keys_expiring{db="db2"}': 0,
        "sidecar_redis_empty_databases_left_out": 0,
    }


def test_how_many_there_are_is_not_guessed() -> None:
    assert answered(SECTION, server_of({}), {}) == {}


def test_cluster_has_one_or_as_many_as_valkey_is_told() -> None:
    command = "CONFIG GET cluster-databases"
    assert asked(SECTION, server_of(NODE)) == [command]
    none_left_out = {"sidecar_redis_empty_databases_left_out": 0}
    one = {'redis_db_keys{db="db0"}': 0, 'redis_db_keys_expiring{db="db0"}': 0, **none_left_out}
    assert answered(SECTION, server_of(NODE), {command: []}) == one
    assert answered(SECTION, server_of({**NODE, **INFO}), {command: []}) == none_left_out
    two = answered(SECTION, server_of({**NODE, **INFO}), {command: wire(["cluster-databases", "2"])})
    assert two == {'redis_db_keys{db="db1"}': 0, 'redis_db_keys_expiring{db="db1"}': 0, **none_left_out}


def test_many_databases_are_not_all_shown_and_the_others_counted() -> None:
    info = {"db1": "keys=2", "db19999": "keys=1", "db20000": "keys=1"}
    found = answered(SECTION, server_of(info), {"CONFIG GET databases": wire(["databases", "20000"])})
    assert found.pop("sidecar_redis_empty_databases_left_out") == 20000 - 2 - 256
    assert len(found) == 2 * 256
    assert 'redis_db_keys{db="db1"}' not in found
    assert found['redis_db_keys{db="db256"}'] == 0


def test_as_many_databases_as_a_server_can_have_are_counted_at_once() -> None:
    info = {"used_memory": "1", "db0": "keys=2", "db99999999999": "keys=1"}
    found = answered(SECTION, server_of(info), {"CONFIG GET databases": wire(["databases", "2147483647"])})
    assert found["sidecar_redis_empty_databases_left_out"] == 2**31 - 1 - 1 - 256


def test_sentinel_is_not_asked() -> None:
    assert asked(SECTION, server_of({"sentinel_masters": "1"})) == []
