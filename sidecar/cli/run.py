"""`sidecar run`: run until SIGTERM."""

import asyncio
from pathlib import Path

import click

from sidecar.app.run import run_until_signalled
from sidecar.cli.config_option import config_option, read_or_exit
from sidecar.cli.failure import operator_errors_exit
from sidecar.runtime.threads.names import NamesLoop
from sidecar.runtime.threads.sharing import share_process


@click.command("run")
@config_option
def command(path: Path | None) -> None:
    """Run the sidecar until SIGTERM or SIGINT; SIGHUP, or a change of the files, reloads the configuration.

    A configuration or a rule file that is not good ends it with exit code 1 before it was ever ready.
    """
    share_process()
    source, located = read_or_exit(path)
    with operator_errors_exit(), asyncio.Runner(loop_factory=NamesLoop) as runner:
        runner.run(run_until_signalled(source, located))
