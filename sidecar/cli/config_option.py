"""The --config option, and reading what it names."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from sidecar.model.errors import OperatorError

if TYPE_CHECKING:
    from sidecar.app.config import SidecarConfig
    from sidecar.app.source import ConfigSource
    from sidecar.model.yaml.config import Located

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def config_option(command: CommandT) -> CommandT:
    """Add --config to `command`."""
    option = click.option(
        "--config",
        "-c",
        "path",
        envvar="SIDECAR_CONFIG",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="YAML configuration; without it the environment is read. [env: SIDECAR_CONFIG]",
    )
    return option(command)


def read_or_exit(path: Path | None) -> "tuple[ConfigSource, Located[SidecarConfig]]":
    """Return the configuration, or end with exit code 1 and one line a problem."""
    # Here and not above: `healthcheck` has the option too, runs every few seconds and needs none of the models.
    from sidecar.app.source import ConfigSource

    source = ConfigSource(path, os.environ)
    try:
        return source, source.read()
    except OperatorError as error:
        exit_with(error)


def exit_with(error: OperatorError) -> NoReturn:
    """Print `error` on standard error, without credentials, and end with exit code 1."""
    from sidecar.redaction.own_secrets import OwnSecrets  # not above, as in `read_or_exit`

    click.echo(OwnSecrets().text(str(error)), err=True)
    raise SystemExit(1)
