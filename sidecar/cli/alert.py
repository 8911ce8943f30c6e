"""`sidecar alert`: what has to do with telling alerts."""

import asyncio
from pathlib import Path

import click

from sidecar.app.try_receivers import Answer, try_receivers
from sidecar.cli.config_option import config_option, read_or_exit
from sidecar.runtime.threads.names import NamesLoop


@click.group("alert")
def command() -> None:
    """Have to do with alerts and those who are told of them."""


@command.command("test")
@config_option
@click.option("--receiver", metavar="NAME", help="Only the receiver of this name.")
def test(path: Path | None, receiver: str | None) -> None:
    """Send one test alert through every receiver of the configuration and say what each answered.

    Receivers are those under `alertmanagers` and `webhooks`. The alert is called SidecarTest, has the severity info and
    ends by itself after five minutes; it is sent at once, without waits, groups or mutes. No rule is needed, and the
    sidecar need not run.

    One line a receiver. Exit code 0 when all took it, 1 when one did not or there is none. docs/webhooks.md has
    receivers to begin with.
    """
    _, located = read_or_exit(path)
    with asyncio.Runner(loop_factory=NamesLoop) as runner:
        answers = runner.run(try_receivers(located.config, receiver))
    for answer in answers:
        click.echo(f"{answer.receiver}: {answer.text}", err=not answer.is_good)
    if not answers:
        which = f"named `{receiver}`" if receiver else "configured (`alertmanagers`, `webhooks`)"
        click.echo(f"no receiver is {which}", err=True)
    raise SystemExit(0 if _all_good(answers) else 1)


def _all_good(answers: list[Answer]) -> bool:
    return bool(answers) and all(answer.is_good for answer in answers)
