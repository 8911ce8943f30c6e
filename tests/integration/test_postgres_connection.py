"""Whatever an app's or an exporter's address of Postgres holds, the server is connected to, and the loop goes on."""

import asyncio
import shutil
import ssl
import threading
from pathlib import Path

import pytest

from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.connection import Connector
from sidecar.collect.postgres.view import Limits
from sidecar.demo.servers import PostgresServer
from tests.integration.targets import scraping_postgres
from tests.integration.topologies.tls import Authority, TlsPostgres

pytestmark = pytest.mark.integration


async def session_value(dsn: str, sql: str) -> object:
    session = await Connector(PostgresConfig.model_validate({"dsn": dsn}), lambda event: None).connect()
    (row,) = await session.fetch(sql, Limits(roles_names=True))
    session.terminate()
    return next(iter(row.values()))


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ("channel_binding=prefer&keepalives=1&keepalives_idle=30&gssencmode=disable", False),
        ("load_balance_hosts=disable&sslsni=1&sslcompression=0&hostaddr=127.0.0.1", False),
        ("channel_binding=require&sslmode=prefer", True),
        ("krbspn=x&sslinline=true&disable_prepared_binary_result=yes&binary_parameters=yes", True),
        ("schema=public&pgbouncer=true&connection_limit=1&pool_timeout=5", True),
        ("prepareThreshold=0&stringtype=unspecified&statement_timeout=5s&client_encoding=utf8", True),
        ("sslmode=disable&target_session_attrs=any&connect_timeout=3&application_name=x&sslrootcert=", False),
    ],
)
async def test_parameters_for_others_do_no_harm_and_are_told_once(
    postgres_15: PostgresServer, query: str, ignored: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with scraping_postgres(f"{postgres_15.dsn}?{query}") as target:
        for _ in range(2):
            assert (await target.scrape())["pg_up"] == {(): 1}
            target.runner._drop_connection()
    told = [record.getMessage() for record in caplog.records if "not known here" in record.getMessage()]
    assert len(told) == ignored
    assert postgres_15.password not in caplog.text


async def test_settings_of_the_server_are_passed_on(postgres_15: PostgresServer) -> None:
    assert await session_value(f"{postgres_15.dsn}?search_path=shop", "SHOW search_path") == "shop"
    assert await session_value(f"{postgres_15.dsn}?options=-c%20work_mem%3D8MB", "SHOW work_mem") == "8MB"


async def test_first_host_that_answers_is_taken(postgres_15: PostgresServer) -> None:
    scheme, at, rest = postgres_15.dsn.rpartition("@")
    with scraping_postgres(f"{scheme}{at}127.0.0.1:1,{rest}") as target:
        samples = await target.scrape()
    assert samples["pg_up"] == {(): 1}
    (labels,) = samples["pg_static"]
    assert dict(labels)["server"] == f"127.0.0.1:1,{rest.partition('/')[0]}"


async def test_file_that_is_no_text_is_told_by_its_name(
    postgres_15: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "password").write_bytes(b"\xff\xfe")
    with scraping_postgres(postgres_15.dsn, password_file=str(tmp_path / "password")) as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
    assert f"`{tmp_path}/password` is not UTF-8 text" in caplog.text


@pytest.fixture
def read_by(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that have read a file of authorities."""
    threads: list[threading.Thread] = []

    read = ssl.SSLContext.load_verify_locations

    def noted(context: ssl.SSLContext, cafile: Path) -> None:
        threads.append(threading.current_thread())
        read(context, cafile)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", noted)
    return threads


async def test_certificates_are_read_beside_the_loop_and_once(
    tls_postgres: TlsPostgres, read_by: list[threading.Thread]
) -> None:
    with scraping_postgres(tls_postgres.verified_dsn) as target:
        for _ in range(3):
            assert (await target.scrape())["pg_up"] == {(): 1}
            target.runner._drop_connection()
    # The authorities, and the revoked where there are any.
    assert 1 <= len(read_by) <= 2
    assert threading.main_thread() not in read_by


async def test_changed_certificates_are_read_again(
    tls_postgres: TlsPostgres, authority: Authority, tmp_path: Path
) -> None:
    stranger = await asyncio.to_thread(Authority, tmp_path)
    ca = tmp_path / "used.crt"
    shutil.copy(stranger.ca, ca)
    with scraping_postgres(f"{tls_postgres.dsn}?sslmode=verify-full&sslrootcert={ca}") as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
        shutil.copy(authority.ca, ca)
        assert (await target.scrape())["pg_up"] == {(): 1}


async def test_client_certificate_is_shown(
    tls_postgres_with_client_certificates: TlsPostgres, authority: Authority
) -> None:
    server = tls_postgres_with_client_certificates
    for dsn, up in ((server.verified_dsn, 1), (f"{server.dsn}?sslmode=verify-ca&sslrootcert={authority.ca}", 0)):
        with scraping_postgres(dsn) as target:
            assert (await target.scrape())["pg_up"] == {(): up}


@pytest.mark.parametrize(
    ("mode", "up", "uses_tls"),
    [("disable", 0, None), ("allow", 1, True), ("prefer", 1, True), ("require", 1, True), ("verify-ca", 0, None)],
)
async def test_modes_mean_what_they_mean_to_libpq(
    tls_postgres: TlsPostgres,
    mode: str,
    up: int,
    uses_tls: bool | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    dsn = f"{tls_postgres.dsn}?sslmode={mode}"
    with scraping_postgres(dsn) as target:
        assert (await target.scrape())["pg_up"] == {(): up}
    if uses_tls is not None:
        sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert await session_value(dsn, sql) is uses_tls


@pytest.mark.parametrize(("mode", "up"), [("prefer", 1), ("allow", 1), ("require", 0)])
async def test_server_without_tls_is_taken_where_that_is_allowed(
    postgres_15: PostgresServer, mode: str, up: int
) -> None:
    with scraping_postgres(f"{postgres_15.dsn}?sslmode={mode}") as target:
        assert (await target.scrape())["pg_up"] == {(): up}


async def test_authorities_in_the_home_directory_are_found(
    tls_postgres: TlsPostgres, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with scraping_postgres(f"{tls_postgres.dsn}?sslmode=verify-full") as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
        (tmp_path / ".postgresql").mkdir()
        shutil.copy(authority.ca, tmp_path / ".postgresql/root.crt")
        assert (await target.scrape())["pg_up"] == {(): 1}


async def test_system_authorities_are_used_and_verify_in_full(
    tls_postgres: TlsPostgres, authority: Authority, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dsn = f"{tls_postgres.dsn}?sslrootcert=system"
    with scraping_postgres(dsn) as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    for up, address in ((1, dsn), (0, dsn.replace("127.0.0.1", "localhost"))):
        with scraping_postgres(address) as target:
            assert (await target.scrape())["pg_up"] == {(): up}


@pytest.mark.parametrize(
    ("parameter", "mode"),
    [("sslrootcert", "require"), ("sslrootcert", "verify-full"), ("sslcert", "require"), ("sslcrl", "verify-ca")],
)
async def test_file_that_is_missing_is_named(
    tls_postgres: TlsPostgres, authority: Authority, parameter: str, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = {"sslmode": mode, "sslrootcert": str(authority.ca)} | {parameter: "/nowhere/file.pem"}
    query = "&".join(f"{name}={value}" for name, value in given.items())
    with scraping_postgres(f"{tls_postgres.dsn}?{query}") as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
    assert "cannot read `/nowhere/file.pem`: No such file or directory" in caplog.text


async def test_file_that_is_missing_is_named_where_tls_is_optional(
    postgres_15: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with scraping_postgres(f"{postgres_15.dsn}?sslcert=/nowhere/file.pem") as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
    assert "cannot read `/nowhere/file.pem`" in caplog.text


async def test_file_that_is_no_certificate_is_named(
    tls_postgres: TlsPostgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ca.crt").write_text("c4nary")
    with scraping_postgres(f"{tls_postgres.dsn}?sslmode=verify-ca&sslrootcert={tmp_path}/ca.crt") as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
    assert f"`{tmp_path}/ca.crt` is not what `sslrootcert` needs" in caplog.text
    assert "c4nary" not in caplog.text


async def test_certificate_is_for_the_name_and_the_connection_for_the_address(
    tls_postgres: TlsPostgres, authority: Authority
) -> None:
    query = f"sslmode=verify-full&sslrootcert={authority.ca}"
    for host, up in (("127.0.0.1", 1), ("db.example", 0)):
        dsn = tls_postgres.dsn.replace("127.0.0.1", host)
        with scraping_postgres(f"{dsn}?{query}&hostaddr=127.0.0.1") as target:
            assert (await target.scrape())["pg_up"] == {(): up}


@pytest.mark.parametrize(("wish", "up"), [("allow", 1), ("require", 1), ("disable", 0)])
async def test_client_certificate_is_shown_as_wished(
    tls_postgres_with_client_certificates: TlsPostgres, wish: str, up: int
) -> None:
    dsn = f"{tls_postgres_with_client_certificates.verified_dsn}&sslcertmode={wish}"
    with scraping_postgres(dsn) as target:
        assert (await target.scrape())["pg_up"] == {(): up}


async def test_versions_of_tls_are_kept_to(tls_postgres: TlsPostgres) -> None:
    sql = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    for end, version in (("max", "TLSv1.2"), ("min", "TLSv1.3")):
        dsn = f"{tls_postgres.dsn}?sslmode=require&ssl_{end}_protocol_version={version.lower()}"
        assert await session_value(dsn, sql) == version


async def test_password_and_service_come_from_their_files(
    postgres_15: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pass").write_text(f"{postgres_15.host}:{postgres_15.port}:*:postgres:{postgres_15.password}\n")
    (tmp_path / "pass").chmod(0o600)
    (tmp_path / "service").write_text(
        f"[shop]\nhost={postgres_15.host}\nport={postgres_15.port}\nuser=postgres\npassfile={tmp_path}/pass\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "service"))
    for dsn in ("service=shop", "postgresql:///postgres?service=shop"):
        with scraping_postgres(dsn) as target:
            samples = await target.scrape()
        assert samples["pg_up"] == {(): 1}
        (labels,) = samples["pg_static"]
        assert dict(labels)["server"] == f"{postgres_15.host}:{postgres_15.port}"
    with scraping_postgres("service=wiki") as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
    assert f"no service `wiki` in `{tmp_path}/service`" in caplog.text
    assert postgres_15.password not in caplog.text


async def test_hosts_are_tried_in_any_order_when_that_is_wished(postgres_15: PostgresServer) -> None:
    scheme, at, rest = postgres_15.dsn.rpartition("@")
    with scraping_postgres(f"{scheme}{at}127.0.0.1:1,{rest}?load_balance_hosts=random") as target:
        assert (await target.scrape())["pg_up"] == {(): 1}
