"""The page about OTLP shows a configuration that loads, a request that is accepted, and statuses that are so."""

import re

from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from sidecar.app.config import SidecarConfig
from sidecar.model.address import Address
from sidecar.model.yaml.config import read_config
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.receive.otlp.grpc import CODES
from sidecar.receive.otlp.http import STATUSES, OtlpHttpReceiver
from sidecar.receive.otlp.reception import Sinks, reception_of
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.meter import Meter
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML
from tests.unit.receive.served import ANY_PORT, CountingSink, gather_of, running

PAGE = (ROOT / "docs/otlp.md").read_text()


def test_the_configuration_on_the_page_loads() -> None:
    (text,) = FENCED_YAML.findall(PAGE)
    otlp = read_config(SidecarConfig, "otlp.md", text, {}).config.otlp
    assert (otlp.http.listen, otlp.grpc.listen) == (Address("127.0.0.1", 4318), None)


async def test_the_request_on_the_page_is_accepted() -> None:
    (body,) = re.findall(r"-d '([^']*)'", PAGE)
    sink = CountingSink()
    reception = reception_of(OtlpConfig(http={"listen": ANY_PORT}), Sinks(gather_of(sink.accept)), SystemClock())
    receiver = OtlpHttpReceiver(reception, Meter(CollectorRegistry()))
    async with running(receiver), ClientSession() as session:
        url, headers = f"http://127.0.0.1:{receiver.address.port}/v1/traces", {"Content-Type": "application/json"}
        async with session.post(url, data=body, headers=headers) as response:
            assert (response.status, await response.read()) == (200, b"{}")
    assert sink.items == 1


def test_every_status_is_on_the_page() -> None:
    table = PAGE[PAGE.index("| what is wrong") :]
    assert [status for status in STATUSES if status[0] in "45" and f"| {status}" not in table] == []
    assert [code for code in CODES if code != "OK" and code not in table] == []
