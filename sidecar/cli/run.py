"""`sidecar run`: run until SIGTERM."""

import asyncio
from pathlib import Path

import click

from sidecar.app.run import run_until_signalled
from sidecar.cli.config_option import config_option, exit_with, read_or_exit
from sidecar.model.errors import OperatorError


@click.command("run")
@config_option
def command(path: Path | None) -> None:
    """Run the sidecar until SIGTERM or SIGINT; SIGHUP, or a change of the files, reloads the configuration.

    A configuration or a rule file that is not good ends it with exit code 1 before it was ever ready.
    """
    source, located = read_or_exit(path)
    failures: list[OperatorError] = []
    try:
        asyncio.run(run_until_signalled(source, located))
    except* OperatorError as group:
        failures = [error for error in _leaves(group) if isinstance(error, OperatorError)]
    if failures:
        exit_with(failures[0])


def _leaves(group: BaseExceptionGroup[OperatorError]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
