"""Records what real servers answer, for tests of versions that are not at hand everywhere.

`python -m scripts.record postgres --bin-dir DIR ...` starts a primary and a replica of each installation, gives them
something to do and writes what every view asks for to tests/golden/postgres/<major>/<view>.json, and what the replica
answers to tests/golden/postgres/<major>-replica.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from scripts.postgres_workload import EVERYTHING, SETTINGS, SLOT, workload
from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.ask import ask
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.connection import Connector
from sidecar.collect.postgres.runner import SERVER_SQL
from sidecar.collect.postgres.view import Row, View
from sidecar.demo.servers import PostgresServer
from tests.integration.topologies.postgres_pair import PostgresPair

ROOT = Path(__file__).parent.parent
RECORDED = ROOT / "tests/golden/postgres"

MAX_ROWS = 30
ALL_ROWS = {"settings"}
ONLY_ON_THE_PRIMARY = {"settings"}  # a replica has the same


def rows_text(server: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a recording: JSON with one row a line."""
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    return f'{{"server": {json.dumps(server)},\n "rows": [\n{lines}\n]}}\n'


def tidy(rows: Sequence[Row], view: View, sql: str, server: PostgresServer) -> list[dict[str, Any]]:
    """Return `rows` in a stable order, few, and without what differs from one machine to the next."""
    found = [dict(row) for row in rows]
    if "order by" not in sql.lower():
        found.sort(key=lambda row: [value for value in row.values() if isinstance(value, str)])
    for row in found:
        for column, value in row.items():
            if isinstance(value, str):
                row[column] = value.replace(str(server.directory), "/server").replace(server.password, "secret")
        if row.get("name") == "port":
            row["setting"] = "5432"
    return found if view.name in ALL_ROWS else found[:MAX_ROWS]


async def record_server(server: PostgresServer, folder: str, left_out: set[str]) -> list[str]:
    """Record one server and return what failed."""
    config = PostgresConfig.model_validate({"dsn": server.dsn, **EVERYTHING})
    session = await Connector(config, click.echo).connect()
    (facts,) = await session.fetch_plain(SERVER_SQL)
    await session.set_up(facts["backend_pid"])
    known = {"version": facts["version"]}
    directory = RECORDED / f"{facts['version'] // 10000}{folder}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    failures = []
    for view in (view.for_target(config) for view in POSTGRES_VIEWS if view.name not in left_out):
        sql = view.sql_for(facts["version"])
        if sql is None:
            continue
        try:
            rows = tidy(await ask(view, facts["version"], session) or [], view, sql, server)
            (directory / f"{view.name}.json").write_text(rows_text(known, rows))
        except Exception as error:  # noqa: BLE001 - the others are recorded all the same
            failures.append(f"{directory.name}/{view.name}: {error}")
    await session.close()
    return failures


async def record_pair(pair: PostgresPair) -> list[str]:
    """Record a primary at work and its replica, and return what failed."""
    async with workload(pair.primary.dsn):
        return [
            *await record_server(pair.primary, "", set()),
            *await record_server(pair.standby, "-replica", ONLY_ON_THE_PRIMARY),
        ]


@click.group()
def main() -> None:
    """Record what real servers answer."""


@main.command()
@click.option("--bin-dir", "bin_dirs", type=click.Path(exists=True, path_type=Path), multiple=True, required=True)
def postgres(bin_dirs: tuple[Path, ...]) -> None:
    """Record every view on each installation of Postgres."""
    failures = []
    for bin_dir in bin_dirs:
        with PostgresPair(bin_dir, SETTINGS, SLOT) as pair:
            failures += asyncio.run(record_pair(pair))
    for failure in failures:
        click.echo(failure, err=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
