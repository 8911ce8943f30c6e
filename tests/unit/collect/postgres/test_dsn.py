"""DSNs in both forms."""

from typing import Any

import pytest

from sidecar.collect.postgres.dsn import parse_dsn
from sidecar.model.errors import TargetError
from sidecar.model.redact import HIDDEN


def arguments_of(text: str) -> dict[str, Any]:
    return parse_dsn(text).arguments(None)


def test_url_is_taken_apart() -> None:
    dsn = parse_dsn("postgresql://app:p%40ss@DB:5433/shop?sslmode=disable")
    assert (dsn.server, dsn.secrets, dsn.ignored) == ("DB:5433", ("p@ss",), ())
    assert dsn.arguments(None) == {
        "dsn": "postgresql://?sslmode=disable",
        "host": ["DB"],
        "port": [5433],
        "user": "app",
        "password": "p@ss",
        "database": "shop",
    }


def test_key_value_pairs_are_taken_apart() -> None:
    dsn = parse_dsn(r"host=/run/pg user=app password='\'s://it' dbname = shop connect_timeout=2 sslrootcert=")
    assert (dsn.server, dsn.secrets, dsn.ignored) == ("/run/pg:5432", ("'s://it",), ())
    assert dsn.arguments(None) == {
        "dsn": "postgresql://",
        "host": ["/run/pg"],
        "user": "app",
        "password": "'s://it",
        "database": "shop",
    }


def test_password_given_apart_wins() -> None:
    assert parse_dsn("postgresql://u:p@db").arguments("x")["password"] == "x"
    assert "password" not in arguments_of("postgresql://db")


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "PostgreSQL", "postgresql+asyncpg", "postgresql+psycopg2"]
)
def test_schemes_of_other_libraries_mean_the_same(scheme: str) -> None:
    assert parse_dsn(f"{scheme}://u:p@db/x").server == "db:5432"


@pytest.mark.parametrize(
    ("text", "hosts", "ports", "server"),
    [
        ("postgresql://u@h1:5432,h2:5433/x", ["h1", "h2"], [5432, 5433], "h1:5432,h2:5433"),
        ("postgresql://u@h1,h2:5433/x", ["h1", "h2"], [5432, 5433], "h1:5432,h2:5433"),
        ("host=h1,h2 port=5432,5433", ["h1", "h2"], [5432, 5433], "h1:5432,h2:5433"),
        ("host=h1,h2 port=6432", ["h1", "h2"], [6432, 6432], "h1:6432,h2:6432"),
        ("postgresql://[::1]:6432/x", ["::1"], [6432], "[::1]:6432"),
        ("host=::1 user=u", ["::1"], None, "[::1]:5432"),
        ("postgresql://u@%2Fvar%2Frun%2Fpostgresql/x", ["/var/run/postgresql"], None, "/var/run/postgresql:5432"),
        ("postgresql:///x?host=/tmp&port=6432", ["/tmp"], [6432], "/tmp:6432"),
        ("postgresql://db/x?port=6432", ["db"], [6432], "db:6432"),
        ("postgresql://db.example.com/x?hostaddr=10.0.0.7", ["10.0.0.7"], None, "db.example.com:5432"),
        ("hostaddr=10.0.0.7 port=6432", ["10.0.0.7"], [6432], "10.0.0.7:6432"),
        ("postgresql://u:p@ss@db/x", ["db"], None, "db:5432"),
        ("port=6432", None, [6432], "localhost:6432"),
        ("user=u", None, None, "localhost:5432"),
    ],
)
def test_one_host_or_several_are_connected_to_and_told(
    text: str, hosts: list[str] | None, ports: list[int] | None, server: str
) -> None:
    arguments = arguments_of(text)
    assert (arguments.get("host"), arguments.get("port")) == (hosts, ports)
    assert parse_dsn(text).server == server


def test_what_the_client_and_the_server_know_is_kept() -> None:
    query = "sslmode=verify-full&sslrootcert=%2Fca.crt&target_session_attrs=read-write&passfile=%2Fp&service=shop"
    assert arguments_of(f"postgresql://db?{query}&sslcrl=")["dsn"] == f"postgresql://?{query}"
    query = "options=-c+work_mem%3D8MB&search_path=shop&role=monitor"
    assert arguments_of(f"postgresql://db?{query}")["dsn"] == f"postgresql://?{query}"


def test_what_is_for_other_drivers_is_left_out_and_named() -> None:
    dsn = parse_dsn("postgresql://db/x?schema=public&pgbouncer=true&sslmode=require&connect_timeout=3&keepalives=1")
    assert dsn.arguments(None)["dsn"] == "postgresql://?sslmode=require"
    assert dsn.ignored == ("keepalives", "pgbouncer", "schema")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db?schema=x&password=a&c4nary=b",
        "schema=x password=a c4nary=b",
        "postgresql://db?schema=x&c4-nary",
    ],
)
def test_what_may_be_part_of_a_password_is_not_named(text: str) -> None:
    assert parse_dsn(text).ignored == (HIDDEN, "schema")


@pytest.mark.parametrize(
    "text",
    [
        "c4nary",
        "postgresql://app:c4nary@[db",
        "postgresql://app@db:c4nary/x",
        "postgresql://app@db:5432:c4nary/x",
        "postgresql://app@db:70000/c4nary",
        "c4nary://app@db/x",
        "a=b c4nary",
        "port=c4nary",
        "host=a,b,c port=1,2 password=c4nary",
        "postgresql://app:1234#c4nary@db/x",
        "postgresql://app:1234/c4nary@db/x",
        "postgresql://app:1234?c4nary@db/x",
        "postgresql://app:1234?c4nary=zz@db/x",
        "postgresql://app:1@34/c4nary@db/x",
        "postgresql://app:1@34?c4nary@db/x",
        "postgresql://app:p@db/x?password=1#c4nary",
    ],
)
def test_malformed_dsn_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_dsn(text)
    assert "c4nary" not in str(caught.value)
    assert "1234" not in str(caught.value)


def test_at_sign_of_a_user_in_the_query_is_its_own() -> None:
    assert arguments_of("postgresql://db/x?user=app@azure&password=p@ss")["user"] == "app@azure"
