"""URLs of Redis servers."""

from typing import Any

import pytest

from sidecar.collect.redis.url import parse_redis_url
from sidecar.model.errors import TargetError
from sidecar.model.redact import HIDDEN


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("redis://cache", {"host": "cache"}),
        ("redis://cache:6380/3", {"host": "cache", "port": 6380, "db": 3}),
        ("redis://cache/3?db=4", {"host": "cache", "db": 4}),
        ("redis://:p%40ss@[::1]:6380/", {"host": "::1", "port": 6380, "password": "p@ss"}),
        ("redis://u:p@ss@cache", {"host": "cache", "username": "u", "password": "p@ss"}),
        ("redis://cache?username=u&password=p@ss", {"host": "cache", "username": "u", "password": "p@ss"}),
        ("redis://a:b@cache?username=u&password=p", {"host": "cache", "username": "a", "password": "b"}),
        ("redis://cache?ssl_cert_reqs=none", {"host": "cache"}),
        ("rediss://cache", {"host": "cache"}),
        (
            "rediss://cache?ssl_ca_certs=%2Fca.crt&ssl_certfile=/c&ssl_keyfile=/k&ssl_password=pw",
            {
                "host": "cache",
                "ssl_ca_certs": "/ca.crt",
                "ssl_certfile": "/c",
                "ssl_keyfile": "/k",
                "ssl_password": "pw",
            },
        ),
        ("rediss://cache?ssl_cert_reqs=CERT_NONE", {"host": "cache", "ssl_cert_reqs": "none"}),
        ("rediss://cache?ssl_check_hostname=False", {"host": "cache", "ssl_check_hostname": False}),
        ("unix:///run/redis@main.sock?db=2&password=p", {"path": "/run/redis@main.sock", "db": 2, "password": "p"}),
        ("unix://u:p@/run/redis.sock", {"path": "/run/redis.sock", "username": "u", "password": "p"}),
    ],
)
def test_url_is_taken_apart(text: str, settings: dict[str, Any]) -> None:
    assert parse_redis_url(text).settings == settings


def test_secrets_are_known() -> None:
    assert parse_redis_url("rediss://:c4nary@cache?ssl_password=own").secrets == ("c4nary", "own")


def test_options_of_the_library_are_left_out_and_named() -> None:
    url = parse_redis_url("redis://cache?protocol=3&decode_responses=True&password=a&c4nary=b&db=1")
    assert url.settings == {"host": "cache", "password": "a", "db": 1}
    assert url.ignored == (HIDDEN, "decode_responses", "protocol")
    assert parse_redis_url("redis://cache?ssl_cert_reqs=none").ignored == ("ssl_cert_reqs",)


@pytest.mark.parametrize(
    "text",
    [
        "redis://:2468/c4nary@127.0.0.1:6379/0",
        "redis://app:2468?c4nary=zz@127.0.0.1:6379/0",
        "redis://app:2468?c4nary@127.0.0.1:6379/0",
        "redis://:2468#c4nary@127.0.0.1:6379/0",
        "redis://c4nary/x:pw@h",
        "redis://:2468@c4nary/x@h",
        "redis://:c4nary",
        "redis://:2468",
        "redis:///0",
        "redis://h:c4nary",
        "redis://h:70000/c4nary",
        "redis://h/c4nary",
        "redis://h?db=c4nary",
        "redis://:c4nary@[h",
        "rediss://h?ssl_cert_reqs=c4nary",
        "unix://c4nary",
        "unix://:c4nary/x@/run/redis.sock",
        "http://:c4nary@h",
        "c4nary",
    ],
)
def test_malformed_url_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_redis_url(text)
    assert "c4nary" not in str(caught.value)
    assert "2468" not in str(caught.value)
