"""`sidecar version`: print the version."""

import click

from sidecar import __version__


@click.command("version")
def command() -> None:
    """Print the version."""
    click.echo(f"sidecar {__version__}")
