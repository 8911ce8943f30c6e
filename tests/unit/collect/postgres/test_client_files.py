"""Files of services and of passwords, as libpq reads them."""

from pathlib import Path

import pytest

from sidecar.collect.postgres.client_files import Login, password_in, password_of, service_in, service_of
from sidecar.model.errors import TargetError

LOGIN = Login(["db"], [5432], "shop", "app")

SERVICES = """\
# comment
[other]
host=other
[shop]
host=db
# comment
port=6432
dbname = not trimmed
password=a=b c

[shop]
host=second
"""


@pytest.mark.parametrize(
    ("line", "password"),
    [
        ("db:5432:shop:app:c4nary", "c4nary"),
        ("*:*:*:*:c4nary", "c4nary"),
        (r"*:*:*:*:c4\:na\\ry", r"c4:na\ry"),
        ("db:5433:shop:app:c4nary", None),
        ("#*:*:*:*:c4nary", None),
        ("db:5432:shop:app", None),
        ("db:5432:shop:app:", ""),
        ("", None),
        ("other:*:*:*:no\ndb:*:*:*:yes\r\n*:*:*:*:later", "yes"),
    ],
)
def test_first_line_that_fits_has_the_password(line: str, password: str | None) -> None:
    assert password_in(line, LOGIN) == password


def test_socket_is_localhost_in_a_file_of_passwords() -> None:
    assert password_in("localhost:*:*:*:c4nary", LOGIN._replace(hosts=["/run/postgresql"])) == "c4nary"


def test_file_of_passwords_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "pass"
    assert password_of(LOGIN, str(path), {}) is None
    path.write_text("*:*:*:*:c4nary\n")
    path.chmod(0o640)
    with pytest.raises(TargetError, match="its mode must be 0600"):
        password_of(LOGIN, str(path), {})
    assert password_of(LOGIN, None, {"PGPASSFILE": str(path)}) is None
    path.chmod(0o600)
    assert password_of(LOGIN, None, {"PGPASSFILE": str(path)}) == "c4nary"
    assert password_of(LOGIN, str(path), {}) == "c4nary"


def test_service_is_its_first_section() -> None:
    with pytest.raises(TargetError, match="`f`, line 8: not a parameter"):
        service_in(SERVICES, "shop", "f")
    found = service_in(SERVICES.replace("dbname = not trimmed", "database=x"), "shop", "f")
    assert found == {"host": "db", "port": "6432", "dbname": "x", "password": "a=b c"}
    assert service_in(SERVICES, "none", "f") is None


def test_service_is_looked_for_in_both_files_and_told_when_nowhere(tmp_path: Path) -> None:
    (tmp_path / "pg_service.conf").write_text("[shop]\nhost=db\n")
    environment = {"PGSERVICEFILE": str(tmp_path / "none"), "PGSYSCONFDIR": str(tmp_path)}
    assert service_of("shop", environment) == {"host": "db"}
    with pytest.raises(TargetError, match=f"no service `wiki` in `{tmp_path}/none` or `{tmp_path}/pg_service.conf`"):
        service_of("wiki", environment)


def test_password_that_is_no_text_stops_only_who_names_its_file_and_is_for_it(tmp_path: Path) -> None:
    path = tmp_path / "pass"
    path.write_bytes(b"other:*:*:*:caf\xe9\n# \xff\ndb:*:wiki:*:\xff\ndb:*:*:*:c4nary\n")
    path.chmod(0o600)
    assert password_of(LOGIN, str(path), {}) == "c4nary"
    with pytest.raises(TargetError, match="has bytes that are not UTF-8 text"):
        password_of(LOGIN._replace(database="wiki"), str(path), {})
    assert password_of(LOGIN._replace(database="wiki"), None, {"PGPASSFILE": str(path)}) is None


def test_service_that_is_no_text_harms_no_other(tmp_path: Path) -> None:
    (tmp_path / "services").write_bytes(b"[wiki]\npassword=\xff\n[shop]\nhost=db\n")
    environment = {"PGSERVICEFILE": str(tmp_path / "services")}
    assert service_of("shop", environment) == {"host": "db"}
    with pytest.raises(TargetError, match="has bytes that are not UTF-8 text"):
        service_of("wiki", environment)
