"""DSNs in both forms."""

import pytest

from sidecar.collect.postgres.dsn import parse_dsn
from sidecar.model.errors import TargetError


def test_url_stays_but_for_settings_of_other_drivers() -> None:
    dsn = parse_dsn("postgresql://app:p%40ss@db:5433/shop?sslmode=disable&connect_timeout=3&application_name=x")
    assert dsn.url == "postgresql://app:p%40ss@db:5433/shop?sslmode=disable"
    assert (dsn.server, dsn.secrets) == ("db:5433", ("p@ss",))


def test_key_value_pairs_become_a_url() -> None:
    dsn = parse_dsn(r"host=/run/pg user=app password='it\'s it' dbname = shop connect_timeout=2")
    assert dsn.url == "postgresql://?host=%2Frun%2Fpg&user=app&password=it%27s+it&dbname=shop"
    assert (dsn.server, dsn.secrets) == ("/run/pg:5432", ("it's it",))


def test_password_given_apart_wins() -> None:
    assert parse_dsn("postgresql://db").arguments("x") == {"dsn": "postgresql://db", "password": "x"}
    assert parse_dsn("postgresql://db").arguments(None) == {"dsn": "postgresql://db"}


@pytest.mark.parametrize(
    "text", ["c4nary", "postgresql://app:c4nary@[db", "postgresql://app@db:c4nary/x", "a=b c4nary"]
)
def test_malformed_dsn_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_dsn(text)
    assert "c4nary" not in str(caught.value)
