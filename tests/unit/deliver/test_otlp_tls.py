"""Forwarding to an upstream that speaks TLS and asks for a certificate."""

import os
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from aiohttp.test_utils import TestServer

from tests.integration.topologies.tls import Authority
from tests.unit.deliver.test_otlp_grpc import GrpcUpstream
from tests.unit.deliver.upstreams import FakeUpstream, Forwarding

Serve = Callable[..., Awaitable[TestServer]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def certificates(authority: Authority) -> dict[str, Any]:
    files = {"ca_file": authority.ca, "certificate_file": authority.client, "key_file": authority.client_key}
    return {key: str(path) for key, path in files.items()}


@pytest.fixture
async def http(authority: Authority, aiohttp_server: Serve) -> tuple[str, FakeUpstream]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca)
    context.load_cert_chain(authority.server, authority.server_key)
    context.verify_mode = ssl.CERT_REQUIRED
    upstream = FakeUpstream()
    server = await aiohttp_server(upstream.app(), ssl=context)
    return f"https://127.0.0.1:{server.port}", upstream


@pytest.fixture
async def grpc_url(authority: Authority) -> AsyncIterator[str]:
    pair = (authority.server_key.read_bytes(), authority.server.read_bytes())
    credentials = grpc.ssl_server_credentials([pair], authority.ca.read_bytes(), require_client_auth=True)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((GrpcUpstream(),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield f"https://127.0.0.1:{port}"
    await server.stop(None)


async def test_http_goes_over_tls_with_our_certificate(
    http: tuple[str, FakeUpstream], certificates: dict[str, Any]
) -> None:
    url, upstream = http
    async with Forwarding(endpoint=url, **certificates).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("sent_requests_total", 1)
    assert upstream.taken == [b"1"]


async def test_an_upstream_that_cannot_be_trusted_gets_nothing(http: tuple[str, FakeUpstream]) -> None:
    url, upstream = http
    async with Forwarding(endpoint=url, headers={"Authorization": "canary"}).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
    assert upstream.requests == []
    assert "certificate verify failed" in str(forwarding.events.seen[0])


async def test_certificates_may_come_later_than_the_start(
    http: tuple[str, FakeUpstream], certificates: dict[str, Any], authority: Authority
) -> None:
    away = authority.ca.with_suffix(".away")
    shutil.move(authority.ca, away)
    async with Forwarding(endpoint=http[0], **certificates).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        assert f"cannot use `{authority.ca}`" in str(forwarding.events.seen[0])
        shutil.move(away, authority.ca)
        await forwarding.pass_until(lambda: forwarding.has("sent_requests_total", 1))


async def test_grpc_goes_over_tls_and_takes_certificates_that_are_renewed(
    grpc_url: str, certificates: dict[str, Any], authority: Authority
) -> None:
    async with Forwarding(endpoint=grpc_url, protocol="grpc", **certificates).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("sent_requests_total", 1)
        os.utime(authority.client, (1, 1))
        await forwarding.clock.advance(61)
        forwarding.accept("2")
        await forwarding.until("sent_requests_total", 2)
