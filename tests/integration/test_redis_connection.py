"""Whatever stands in the URL of a Redis, the server is scraped as by default, and no part of a password is told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from sidecar.demo.servers import HOST, ValkeyServer
from tests.conftest import ROOT
from tests.integration.targets import scraping_redis
from tests.integration.topologies.tls import Authority, TlsRedis

pytestmark = pytest.mark.integration

KEYS = {
    "queues": [{"kind": "celery", "name": "celery"}],
    "keys": {"names": [{"name": "a", "value": True}]},
    "streams": {"names": [{"name": "s"}]},
}


@pytest.mark.parametrize(
    "option",
    [
        "protocol=3",
        "decode_responses=True",
        "encoding=latin1",
        "socket_timeout=0.000001",
        "client_name=x",
        "health_check_interval=1",
        "max_connections=5",
        "ssl_cert_reqs=none",
        "foo=bar",
    ],
)
async def test_options_of_a_library_change_nothing_and_are_told_once(
    redis_7: ValkeyServer, option: str, caplog: pytest.LogCaptureFixture
) -> None:
    connected: Any = Redis.from_url(redis_7.url)
    async with connected as client:
        await client.set("a", "1")
        await client.delete("s")
        await client.xadd("s", {"a": 1})
    with scraping_redis(redis_7.url, **KEYS) as target:
        await target.scrape()
        expected = set(await target.scrape())
    with scraping_redis(f"{redis_7.url}?{option}", **KEYS) as target:
        await target.scrape()
        target.runner._drop_connection()
        samples = await target.scrape()
    assert set(samples) == expected
    assert set(samples["sidecar_redis_section_success"].values()) == {1}
    name = option.partition("=")[0]
    assert [record.getMessage() for record in caplog.records] == [
        f"Target `redis/redis`: parameters of its address that are not known here, or not done, are ignored: `{name}`."
    ]


async def test_user_of_the_query_is_the_one_that_needs_more(
    redis_7: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    connected: Any = Redis.from_url(redis_7.url)
    async with connected as client:
        await client.execute_command("ACL", "SETUSER", "bob", "on", ">c4nary", "+info")
        with scraping_redis(f"{redis_7.url}?username=bob&password=c4nary") as target:
            assert (await target.scrape())["redis_up"] == {(): 1}
        await client.execute_command("ACL", "DELUSER", "bob")
    assert "ACL SETUSER bob +" in caplog.text
    assert "c4nary" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "redis://:2468/c4nary@127.0.0.1:6379/0",
        "redis://app:2468?c4nary=zz@127.0.0.1:6379/0",
        "redis://c4nary/x:pw@127.0.0.1:6379",
    ],
)
async def test_part_of_a_password_is_no_server(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url_file = tmp_path / "url"
    url_file.write_text(url)
    with scraping_redis(None, url_file=str(url_file)) as target:
        assert (await target.scrape())["redis_up"] == {(): 0}
    assert "percent-encoded" in caplog.text
    assert "c4nary" not in caplog.text
    assert "2468" not in caplog.text


async def test_certificates_of_the_url_are_used(tls_redis: TlsRedis, authority: Authority) -> None:
    own = f"ssl_ca_certs={authority.ca}&ssl_certfile={authority.client}&ssl_keyfile={authority.client_key}"
    for query, up in ((own, 1), (own.replace("ssl_ca_certs", "ssl_ca"), 0)):
        with scraping_redis(f"{tls_redis.tls_url}?{query}") as target:
            assert (await target.scrape())["redis_up"] == {(): up}


async def test_password_of_many_is_chosen_at_each_connection(
    valkey_9: ValkeyServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, url = tmp_path / "passwords.json", f"redis://{HOST}:{valkey_9.port}"
    with scraping_redis(url, password_file=str(file)) as target:
        assert (await target.scrape())["redis_up"] == {(): 0}
        file.write_text(json.dumps({"redis://other": "c4nary"}))
        assert (await target.scrape())["redis_up"] == {(): 0}
        file.write_text(json.dumps({"redis://other": "c4nary", url: valkey_9.password}))
        assert (await target.scrape())["redis_up"] == {(): 1}
    assert "cannot read" in caplog.text
    assert "c4nary" not in caplog.text


async def test_file_that_is_no_text_is_told_by_its_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "url").write_bytes(b"\xff")
    with scraping_redis(None, url_file=str(tmp_path / "url")) as target:
        assert (await target.scrape())["redis_up"] == {(): 0}
    assert f"`{tmp_path}/url` is not UTF-8 text" in caplog.text


async def test_the_line_of_the_readme_is_enough(redis_7: ValkeyServer) -> None:
    (line,) = re.findall(r"`(ACL SETUSER sidecar [^`]*)`", (ROOT / "README.md").read_text())
    connected: Any = Redis.from_url(redis_7.url)
    async with connected as client:
        await client.execute_command(*line.split())
        with scraping_redis(f"redis://sidecar:password@{HOST}:{redis_7.port}") as target:
            assert set((await target.scrape())["sidecar_redis_section_success"].values()) == {1}
        await client.execute_command("ACL", "DELUSER", "sidecar")
