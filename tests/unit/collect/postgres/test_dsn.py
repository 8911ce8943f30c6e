"""DSNs in both forms."""

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.app.config import SidecarConfig
from sidecar.collect.postgres.dsn import parse_dsn
from sidecar.model.errors import ConfigError, TargetError
from sidecar.model.redact import HIDDEN
from sidecar.model.yaml.config import read_config


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
    query = "sslmode=verify-full&sslrootcert=%2Fca.crt&target_session_attrs=read-write"
    assert arguments_of(f"postgresql://db?{query}&sslcrl=")["dsn"] == f"postgresql://?{query}"
    query = "options=-c+work_mem%3D8MB&search_path=shop&role=monitor"
    assert parse_dsn("service=shop passfile=/p").given == {"service": "shop", "passfile": "/p"}
    assert arguments_of(f"postgresql://db?{query}")["dsn"] == f"postgresql://?{query}"


def test_what_is_for_other_drivers_is_left_out_and_named() -> None:
    dsn = parse_dsn("postgresql://db/x?schema=public&pgbouncer=true&sslmode=require&connect_timeout=3&keepalives=1")
    assert dsn.arguments(None)["dsn"] == "postgresql://?sslmode=require"
    assert dsn.ignored == ("pgbouncer", "schema")


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
        "postgresql://app:1234/c4nary@db/x",
        "postgresql://app:1@34/c4nary@db/x",
    ],
)
def test_malformed_dsn_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_dsn(text)
    assert "c4nary" not in str(caught.value)
    assert "1234" not in str(caught.value)


def test_at_sign_of_a_user_in_the_query_is_its_own() -> None:
    assert arguments_of("postgresql://db/x?user=app@azure&password=p@ss")["user"] == "app@azure"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://app:a#b@db/x", {"user": "app", "password": "a#b", "host": "db", "dbname": "x"}),
        ("postgresql://app:a?b=c@db/x", {"user": "app", "password": "a?b=c", "host": "db", "dbname": "x"}),
        ("postgresql://app:p@db", {"user": "app", "password": "p", "host": "db"}),
        ("postgresql://", {}),
        ("postgresql:///", {}),
        ("postgresql://:5433/", {"port": "5433"}),
        ("postgresql://db:/x", {"host": "db", "dbname": "x"}),
        ("postgresql://db/x?dbname=y&host=other", {"host": "other", "dbname": "y"}),
        ("postgresql://db?password=a+b%2B", {"host": "db", "password": "a+b+"}),
        ("postgresql://db?user=app@azure", {"host": "db", "user": "app@azure"}),
        ("postgresql://db/x?ssl=true", {"host": "db", "dbname": "x", "sslmode": "require"}),
        ("postgresql://db/caf%C3%A9", {"host": "db", "dbname": "café"}),
        ("postgresql://[fe80::1%25eth0]/x", {"host": "fe80::1%eth0", "dbname": "x"}),
        ("postgresql://db?ssl_min_protocol_version=tlsv1.3", {"host": "db", "ssl_min_protocol_version": "TLSv1.3"}),
        ("host = db  user=''  password='a b\\'\\\\'", {"host": "db", "password": "a b'\\"}),
        (r"host=db password=it's\ so", {"host": "db", "password": "it's so"}),
        (r"host=db password=\'a\' user=\\b", {"host": "db", "password": "'a'", "user": "\\b"}),
        ("host=db password=a\\", {"host": "db", "password": "a"}),
        ("host=db password=a\\\nb", {"host": "db", "password": "a\nb"}),
        ("host=db password=a\u00a0b=c\u3000", {"host": "db", "password": "a\u00a0b=c\u3000"}),
        ("", {}),
    ],
)
def test_it_is_read_as_libpq_reads_it(text: str, expected: dict[str, str]) -> None:
    assert parse_dsn(text).given == expected


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("sslmode=bogus", "`sslmode` is `bogus`; it must be one of disable, allow, prefer, require"),
        ("target_session_attrs=master", "`target_session_attrs` is `master`"),
        ("channel_binding=yes", "`channel_binding` is `yes`"),
        ("gssencmode=on", "`gssencmode` is `on`"),
        ("load_balance_hosts=on", "`load_balance_hosts` is `on`; it must be one of disable, random"),
        ("sslcertmode=never", "`sslcertmode` is `never`"),
        ("ssl_min_protocol_version=SSLv3", "`ssl_min_protocol_version` is `sslv3`"),
        ("connect_timeout=2s", "`connect_timeout` is `2s`; it must be a whole number"),
        ("keepalives_idle=x", "`keepalives_idle` is `x`"),
        ("hostaddr=db", "`hostaddr` has `db`; it must be an IP address"),
        ("require_auth=scram,!md5", "`require_auth` has methods with and without `!`"),
        ("require_auth=scram", "`require_auth` has `scram`"),
        ("replication=database", "`replication` is on"),
        ("sslrootcert=system sslmode=require", "with `sslrootcert` system it must be verify-full"),
        ("sslnegotiation=direct", "`sslnegotiation` is `direct`; then `sslmode` must be"),
        ("ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2", "is newer than"),
        ("host=a,b hostaddr=10.0.0.1", "not as many addresses as hosts"),
        ("port=5432,", "not as many ports as hosts"),
    ],
)
def test_parameter_that_cannot_be_is_refused_by_its_name(parameter: str, message: str) -> None:
    for text in (f"password=c4nary {parameter}", f"postgresql://u:c4nary@/x?{parameter.replace(' ', '&')}"):
        with pytest.raises(TargetError, match=re.escape(message)) as caught:
            parse_dsn(text)
        assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["postgresql://db/%zz", "host=@abstract", "postgresql://u:%E9@db/x", "postgresql://db/x%00", "user='x"]
)
def test_malformed_text_is_refused(text: str) -> None:
    with pytest.raises(TargetError):
        parse_dsn(text)


def test_what_is_asked_for_and_not_done_is_told() -> None:
    query = "channel_binding=require&require_auth=scram-sha-256&requirepeer=postgres&gssencmode=require"
    assert parse_dsn(f"postgresql://db?{query}").ignored == (
        "channel_binding",
        "gssencmode",
        "require_auth",
        "requirepeer",
    )
    assert parse_dsn("postgresql://db?channel_binding=prefer&gssencmode=disable&keepalives=1").ignored == ()


def test_address_is_connected_to_and_its_name_is_kept_for_the_certificate() -> None:
    dsn = parse_dsn("host=a.example,b.example hostaddr=10.0.0.1,")
    assert (dsn.addresses, dsn.names) == (["10.0.0.1", "b.example"], ["a.example", "b.example"])


@given(st.text(max_size=60))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    for start in ("", "postgresql://", "postgresql://u:c4nary@", "password=c4nary "):
        with suppress(TargetError):
            parse_dsn(start + text).arguments(None)


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        ("postgresql://u:p@ss:w@h:notaport/db", "a port is no number"),
        ("postgresql://u:c4nary@h/db?sslmode=bogus", "`sslmode` is `bogus`"),
    ],
)
def test_configuration_is_refused_at_the_place_of_the_dsn(dsn: str, place: str) -> None:
    text = f"postgres:\n  - name: main\n    dsn: {dsn}\n"
    with pytest.raises(ConfigError, match=rf"sidecar.yaml:3:10: .*{place}") as caught:
        read_config(SidecarConfig, "sidecar.yaml", text, {})
    assert "p@ss" not in str(caught.value)
    assert "c4nary" not in str(caught.value)
