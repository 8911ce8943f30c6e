"""`sidecar demo`: everything on real servers, for a minute or until Ctrl-C."""

import asyncio
import os
import sys
from typing import Any

import click
from typing_extensions import override

from sidecar.cli.failure import operator_errors_exit
from sidecar.demo.run import run_demo
from sidecar.model.duration import parse_duration_ms


class Duration(click.ParamType[float]):
    """A duration as Prometheus writes it, in seconds."""

    name = "duration"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds of `value`."""
        try:
            return parse_duration_ms(str(value)) / 1000
        except ValueError as error:
            self.fail(f"{error}; write it as in `60s` or `5m`", param, ctx)


@click.command("demo")
@click.option("--for", "seconds", type=Duration(), metavar="DURATION", help="End by itself after this long, as in 60s.")
def command(seconds: float | None) -> None:
    """Start Postgres, Valkey, a traced shop with customers, and the sidecar beside it; Ctrl-C stops all of it.

    Everything listens on loopback only and keeps its data in a folder that goes when it ends.
    """
    with operator_errors_exit():
        asyncio.run(run_demo(_say, seconds))


def _say(line: str) -> None:
    """Print `line`; a terminal that was closed must not keep the demonstration from ending well."""
    try:
        click.echo(line)
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
