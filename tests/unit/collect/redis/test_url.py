"""URLs of Redis servers."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.collect.redis.url import SCHEMES, parse_redis_url
from sidecar.model.errors import TargetError
from sidecar.model.redact import HIDDEN

UNCHECKED = {"ssl_cert_reqs": "none"}


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
        ("valkey://cache:6380/3", {"host": "cache", "port": 6380, "db": 3}),
        ("VALKEYS://u:p@cache?ssl_cert_reqs=none", {"host": "cache", "username": "u", "password": "p", **UNCHECKED}),
        ("Redis://cache", {"host": "cache"}),
        ("redis://u@cache", {"host": "cache", "username": "u"}),
        ("redis://:%2F%3F%23%40%3A%25@cache", {"host": "cache", "password": "/?#@:%"}),
        ("redis://u%40x:p%20w@cache", {"host": "cache", "username": "u@x", "password": "p w"}),
        ("redis://cache/", {"host": "cache"}),
        ("redis://cache/0?", {"host": "cache", "db": 0}),
        ("redis:///4", {"host": "localhost", "db": 4}),
        ("redis://:p@/4", {"host": "localhost", "password": "p", "db": 4}),
        ("redis://", {"host": "localhost"}),
        ("redis://u:p@[fe80::1]", {"host": "fe80::1", "username": "u", "password": "p"}),
        ("redis+socket:///run/redis.sock?virtual_host=3", {"path": "/run/redis.sock", "db": 3}),
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
        "redis://:2468/0",
        "redis://h/1/2",
        "redis://h/-1",
        "redis://h/1_0",
        "redis://h/\uff11",
        "redis://h/99999999999",
        "redis://h:0",
        "redis://h:-1",
        "redis://h:\uff11",
        "redis://::1:6379",
        "redis://a:6379,b:6379",
        "redis:c4nary",
        "redis:/c4nary",
        "redis:////c4nary",
        "redis-sentinel://c4nary@h",
        "h:6379,password=c4nary,ssl=True",
        "host=h password=c4nary",
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("redis://u:c4nary@h:port/0", "`redis://***@h:***/0` is not the URL of a server: look at its host and port"),
        ("http://u:c4nary@h", "`http://***@h` is not the URL of a server: it starts with none of redis://"),
        ("valkey://:c4nary@h/x?password=c4nary", "`valkey://***@h/***` is not the URL of a server: the database is"),
        ("redis://:c4nary@:6379", "`redis://***@:6379` is not the URL of a server: it has no host"),
        ("redis://:c4/nary@h", "special characters in the password of the URL must be percent-encoded"),
        (
            "rediss://:c4nary@h?ssl_cert_reqs=x",
            "`rediss://***@h` is not the URL of a server: `ssl_cert_reqs` is one of",
        ),
        ("redis://h:c4nary", "this is not the URL of a server: look at its host and port"),
    ],
)
def test_what_is_wrong_is_said_with_all_of_the_value_but_the_login(text: str, message: str) -> None:
    with pytest.raises(TargetError, match=f"^{re.escape(message)}"):
        parse_redis_url(text)


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from([*SCHEMES]), st.text(max_size=20))
def test_a_password_that_is_percent_encoded_is_read_back_and_one_that_is_not_is_never_told(
    password: str, scheme: str, rest: str
) -> None:
    place = "/run/s" if SCHEMES[scheme] == "unix" else "cache"
    url = parse_redis_url(f"{scheme}://:{quote(password, safe='')}@{place}")
    assert url.settings["password"] == password
    with pytest.raises(TargetError) as caught:
        parse_redis_url(f"{scheme}://u:C4N4RY{rest}@h:port")
    assert "C4N4RY" not in str(caught.value)
