"""Configuration of scraped targets."""

from typing import Any

import pytest
from pydantic import ValidationError

from sidecar.collect.config import Preset, Selection
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.redis.config import RedisConfig

MINIMAL, BASIC, FULL = Preset


def test_secrets_do_not_show() -> None:
    for config in (
        PostgresConfig(dsn="postgresql://a:c4nary@b"),
        RedisConfig(url="redis://:c4nary@b", password="c4nary"),
    ):
        assert "c4nary" not in repr(config) + str(config) + str(config.model_dump())


@pytest.mark.parametrize("values", [{}, {"dsn": "postgres://h", "dsn_file": "y"}])
def test_postgres_needs_exactly_one_dsn(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of `dsn` and `dsn_file`"):
        PostgresConfig.model_validate(values)


@pytest.mark.parametrize("values", [{}, {"url": "redis://h", "url_file": "y"}])
def test_redis_needs_exactly_one_url(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of `url` and `url_file`"):
        RedisConfig.model_validate(values)


def test_excluding_wins_over_including_and_the_preset() -> None:
    selection = Selection(include=("a", "b"), exclude=("b", "c"))
    chosen = [selection.selects(name, preset) for name, preset in (("a", FULL), ("b", BASIC), ("c", BASIC))]
    assert chosen == [True, False, False]
    assert selection.unknown(["a", "c"]) == ["b"]


@pytest.mark.parametrize(("preset", "chosen"), [(MINIMAL, "m"), (BASIC, "mb"), (FULL, "mbf")])
def test_each_preset_has_what_the_smaller_ones_have(preset: Preset, chosen: str) -> None:
    selection = Selection(preset=preset)
    assert "".join(of.value[0] for of in Preset if selection.selects("x", of)) == chosen


@pytest.mark.parametrize(
    "dsn",
    [
        "postgres://h/d",
        "postgresql://u:p@h",
        "host=h user=u",
        "  host = 'h'",
        "POSTGRES://h",
        "postgresql+asyncpg://u:p@h",
    ],
)
def test_a_dsn_has_one_of_libpqs_forms_or_sqlalchemys(dsn: str) -> None:
    assert PostgresConfig.model_validate({"dsn": dsn}).dsn is not None


@pytest.mark.parametrize("dsn", ["mysql://u:c4nary@h", "c4nary", ""])
def test_what_is_no_dsn_is_refused_and_not_repeated(dsn: str) -> None:
    with pytest.raises(ValidationError, match="neither a postgres:// or postgresql:// URL nor libpq's") as caught:
        PostgresConfig.model_validate({"dsn": dsn})
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://h", "rediss://:p@h:1/0", "unix:///run/redis.sock"])
def test_a_redis_url_has_a_scheme_of_redis(url: str) -> None:
    assert RedisConfig.model_validate({"url": url}).url is not None


@pytest.mark.parametrize("url", ["http://:c4nary@h", "c4nary", ""])
def test_what_is_no_redis_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError, match="starts with none of redis://, rediss://, valkey://") as caught:
        RedisConfig.model_validate({"url": url})
    assert "c4nary" not in str(caught.value)
