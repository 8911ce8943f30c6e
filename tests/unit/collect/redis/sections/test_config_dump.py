"""Settings as labels: what the configuration allows, and no secret."""

import pytest
from pydantic import ValidationError

from sidecar.collect.redis.config import DUMPED_SETTINGS
from sidecar.collect.redis.sections.config_dump import SECTION
from tests.unit.collect.redis.answering import answered, asked, server_of, wire

SECRETS = ["requirepass", "masterauth", "primaryauth", "masteruser", "tls-key-file-pass", "tls-key-file", "aclfile"]


def test_settings_are_labels_and_numbers_where_they_are() -> None:
    server = server_of({}, dumped_settings=["maxmemory", "appendonly", "save"])
    replies = {
        "CONFIG GET maxmemory": wire(["maxmemory", "7"]),
        "CONFIG GET appendonly": wire(["appendonly", "no"]),
        "CONFIG GET save": wire(["save", ""]),
    }
    assert answered(SECTION, server, replies) == {
        'redis_config_key_value{key="maxmemory",value="7"}': 1,
        'redis_config_key_value{key="appendonly",value="no"}': 1,
        'redis_config_key_value{key="save"}': 1,
        'redis_config_value{key="maxmemory"}': 7,
    }


def test_only_what_is_allowed_is_asked_for() -> None:
    assert asked(SECTION, server_of({}, dumped_settings=["hz"])) == ["CONFIG GET hz"]
    assert asked(SECTION, server_of({})) == [f"CONFIG GET {name}" for name in DUMPED_SETTINGS]


@pytest.mark.parametrize("name", SECRETS)
def test_secret_cannot_be_allowed(name: str) -> None:
    with pytest.raises(ValidationError, match=f"`{name}` is a secret"):
        server_of({}, dumped_settings=["hz", name])


@pytest.mark.parametrize("name", ["*", "require*", "hz maxmemory", "[r]equirepass"])
def test_pattern_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        server_of({}, dumped_settings=[name])


def test_sentinel_tells_all_but_its_user_and_password() -> None:
    server = server_of({"sentinel_masters": "1"})
    assert not any("user" in command or "pass" in command for command in asked(SECTION, server))
    replies = {
        "SENTINEL CONFIG GET announce-port": wire(["announce-port", "0"]),
        "SENTINEL CONFIG GET loglevel": [],
    }
    assert answered(SECTION, server, replies) == {
        'redis_sentinel_config_key_value{key="announce-port",value="0"}': 1,
        'redis_sentinel_config_value{key="announce-port"}': 0,
    }
