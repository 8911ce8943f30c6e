"""The command log of Valkey."""

import pytest

from sidecar.collect.redis.sections.commandlog import SECTION, SETTINGS
from tests.unit.collect.redis.answering import answered, asked, server_of, wire

VALKEY = {"valkey_version": "8.1.0"}


def test_lengths_and_settings() -> None:
    lengths = {"COMMANDLOG LEN slow": 3, "COMMANDLOG LEN large-request": 0, "COMMANDLOG LEN large-reply": 1}
    settings = {f"CONFIG GET {name}": wire([name, str(number)]) for number, name in enumerate(SETTINGS)}
    assert answered(SECTION, server_of(VALKEY), {**lengths, **settings}) == {
        "redis_commandlog_slow_length": 3,
        "redis_commandlog_large_request_length": 0,
        "redis_commandlog_large_reply_length": 1,
        "redis_commandlog_execution_slower_than": 0,
        "redis_commandlog_slow_execution_max_len": 1,
        "redis_commandlog_request_larger_than": 2,
        "redis_commandlog_large_request_max_len": 3,
        "redis_commandlog_reply_larger_than": 4,
        "redis_commandlog_large_reply_max_len": 5,
    }


def test_lengths_are_told_where_settings_are_refused() -> None:
    assert answered(SECTION, server_of(VALKEY), {"COMMANDLOG LEN slow": 3}) == {"redis_commandlog_slow_length": 3}


@pytest.mark.parametrize(
    "info", [{"redis_version": "8.2.0"}, {"valkey_version": "8.0.9"}, {**VALKEY, "sentinel_masters": "1"}]
)
def test_who_has_no_command_log_is_not_asked(info: dict[str, str]) -> None:
    assert asked(SECTION, server_of(info)) == []


def test_settings_are_not_asked_where_those_of_the_server_are_not_wanted() -> None:
    server = server_of(VALKEY, sections={"exclude": ["config_values"]})
    assert asked(SECTION, server) == [
        "COMMANDLOG LEN slow",
        "COMMANDLOG LEN large-request",
        "COMMANDLOG LEN large-reply",
    ]
