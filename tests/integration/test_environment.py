"""Without a configuration file: what postgres_exporter was told is done, and what is ignored is told at the start."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from typing_extensions import override

from sidecar.demo.servers import PostgresServer
from tests.servers import HOST, Sidecar, eventually, get_text, samples_of

pytestmark = pytest.mark.integration


class SidecarOfTheEnvironment(Sidecar):
    """`sidecar run` without a configuration file."""

    @override
    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "sidecar", "run"]

    @override
    def environment(self) -> Mapping[str, str]:
        ours = {"SIDECAR_API_LISTEN": f"{HOST}:{self.api_port}", "SIDECAR_OTLP_LISTEN": "off"}
        return {**super().environment(), **ours, "PG_EXPORTER_WEB_LISTEN_ADDRESS": f"{HOST}:{self.port}"}


async def test_the_exporters_environment_is_enough(postgres_15: PostgresServer, tmp_path: Path) -> None:
    (tmp_path / "queries.yaml").write_text("shop: {query: SELECT 1 AS n}\n")
    other = f"host={HOST} port={postgres_15.port} user=postgres password={postgres_15.password} dbname=template1"
    env = {
        "DATA_SOURCE_NAME": f"{postgres_15.dsn},{other}",
        "PG_EXPORTER_EXTEND_QUERY_PATH": "queries.yaml",
        "PG_EXPORTER_DISABLE_SETTINGS_METRICS": "true",
        "PG_EXPORTER_CONSTANT_LABELS": "team=c4nary",
    }
    sidecar = SidecarOfTheEnvironment(tmp_path, "", env)
    names = [f"postgres-127-0-0-1-{postgres_15.port}{more}" for more in ("", "-2")]
    server = f"{HOST}:{postgres_15.port}"

    async def shown() -> dict[str, float]:
        return samples_of((await get_text(f"{sidecar.url}/metrics"))[1])

    await asyncio.to_thread(sidecar.start)
    try:
        series = [f'shop_n{{server="{server}",target="{name}"}}' for name in names]
        samples = await eventually(shown, lambda samples: all(samples.get(name) == 1 for name in series))
    finally:
        await asyncio.to_thread(sidecar.stop)
    assert not any(name.startswith("pg_settings_") for name in samples)
    assert "Environment variable `PG_EXPORTER_CONSTANT_LABELS` is ignored: labels of all series are" in sidecar.log
    assert "c4nary" not in sidecar.log
    assert postgres_15.password not in sidecar.log
