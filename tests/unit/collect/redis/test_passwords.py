"""Which password of a file is whose."""

import json

import pytest

from sidecar.collect.redis.passwords import password_of

MANY = json.dumps({"redis://h:6379": "its", "redis://u@h:6379": "of u", "redis://empty": "", "redis://odd": 5})


@pytest.mark.parametrize("text", ["plain", "{not json", "123456", '"quoted"', "[1]"])
def test_text_that_is_no_object_is_the_password(text: str) -> None:
    assert password_of(text, "redis://h", None) == text


@pytest.mark.parametrize(
    ("url", "username", "password"),
    [
        ("redis://h:6379", None, "its"),
        ("redis://h:6379", "u", "of u"),
        ("redis://h:6379", "other", "its"),
        ("redis://u@h:6379", "u", "of u"),
        ("redis://a:b@h:6379", "a", "its"),
        ("redis://empty", None, ""),
        ("redis://odd", None, None),
        ("redis://elsewhere", None, None),
    ],
)
def test_password_is_that_of_the_address(url: str, username: str | None, password: str | None) -> None:
    assert password_of(MANY, url, username) == password
