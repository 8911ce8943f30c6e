"""The log of slow commands."""

import pytest

from sidecar.collect.redis.sections.slowlog import SECTION
from tests.unit.collect.redis.answering import answered, asked, server_of, wire


def test_length_and_last_entry() -> None:
    entry = [2, 1795401231, 565877, ["EVAL", "return 1", "0"], "127.0.0.1:57974", ""]
    values = answered(SECTION, server_of({}), {"SLOWLOG LEN": 3, "SLOWLOG GET 1": wire([entry])})
    assert values == {
        "redis_slowlog_length": 3,
        "redis_slowlog_last_id": 2,
        "redis_last_slow_execution_duration_seconds": pytest.approx(0.565877),
    }


def test_empty_log_has_no_last_entry() -> None:
    values = answered(SECTION, server_of({}), {"SLOWLOG LEN": 0, "SLOWLOG GET 1": []})
    assert set(values.values()) == {0}


def test_what_is_refused_is_left_out() -> None:
    assert answered(SECTION, server_of({}), {"SLOWLOG LEN": 3}) == {"redis_slowlog_length": 3}


def test_sentinel_is_not_asked() -> None:
    assert asked(SECTION, server_of({"sentinel_masters": "1"})) == []
