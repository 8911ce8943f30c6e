"""Settings of the server by name."""

from sidecar.collect.redis.sections.config_values import SECTION
from tests.unit.collect.redis.answering import answered, asked, server_of, wire

LIMITS = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"


def test_four_numbers_and_the_limits_of_output_buffers() -> None:
    replies = {
        "CONFIG GET maxmemory": wire(["maxmemory", "104857600"]),
        "CONFIG GET maxclients": wire(["maxclients", "10000"]),
        "CONFIG GET io-threads": wire(["io-threads", "1"]),
        "CONFIG GET repl-backlog-size": wire(["repl-backlog-size", "1048576"]),
        "CONFIG GET client-output-buffer-limit": wire(["client-output-buffer-limit", LIMITS]),
    }
    values = answered(SECTION, server_of({}), replies)
    assert values.pop("redis_config_maxmemory") == 104857600
    assert values.pop("redis_config_maxclients") == 10000
    assert values.pop("redis_config_io_threads") == 1
    assert values.pop("redis_config_repl_backlog_size") == 1048576
    assert values['redis_config_client_output_buffer_limit_bytes{class="slave",limit="hard"}'] == 268435456
    assert values['redis_config_client_output_buffer_limit_bytes{class="slave",limit="soft"}'] == 67108864
    assert values['redis_config_client_output_buffer_limit_overcome_seconds{class="pubsub",limit="soft"}'] == 60
    assert len(values) == 9


def test_setting_that_the_server_lacks_is_left_out() -> None:
    replies = {"CONFIG GET maxmemory": wire(["maxmemory", "0"]), "CONFIG GET io-threads": []}
    assert answered(SECTION, server_of({}), replies) == {"redis_config_maxmemory": 0}


def test_sentinel_is_not_asked() -> None:
    assert asked(SECTION, server_of({"sentinel_masters": "1"})) == []
