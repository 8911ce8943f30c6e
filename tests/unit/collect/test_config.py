"""Configuration of scraped targets."""

from typing import Any

import pytest
from pydantic import ValidationError

from sidecar.collect.config import Selection
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.redis.config import RedisConfig


def test_secrets_do_not_show() -> None:
    for config in (
        PostgresConfig(dsn="postgresql://a:c4nary@b"),
        RedisConfig(url="redis://:c4nary@b", password="c4nary"),
    ):
        assert "c4nary" not in repr(config) + str(config) + str(config.model_dump())


@pytest.mark.parametrize("values", [{}, {"dsn": "x", "dsn_file": "y"}])
def test_postgres_needs_exactly_one_dsn(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of `dsn` and `dsn_file`"):
        PostgresConfig.model_validate(values)


@pytest.mark.parametrize("values", [{}, {"url": "x", "url_file": "y"}])
def test_redis_needs_exactly_one_url(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of `url` and `url_file`"):
        RedisConfig.model_validate(values)


def test_excluding_wins_over_including_and_default() -> None:
    selection = Selection(include=("a", "b"), exclude=("b", "c"))
    assert [selection.selects(name, default) for name, default in (("a", False), ("b", True), ("c", True))] == [
        True,
        False,
        False,
    ]
    assert selection.unknown(["a", "c"]) == ["b"]
