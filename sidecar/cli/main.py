"""The `sidecar` command: finds the subcommand and imports no other.

The first probe is answered right after the imports, so two things that slow them down are left out: collecting garbage
among modules, which stay for good, and pydantic's search of every installed distribution for plugins.
"""

import gc
import os
from importlib import import_module

import click
from typing_extensions import override

COMMANDS = {
    "run": "Run the sidecar.",
    "check": "Check a configuration and its rule files.",
    "test-rules": "Run unit tests of rules, as `promtool test rules` does.",
    "alert": "Test who is told of alerts.",
    "demo": "Show it all: servers, an app, traffic and the sidecar.",
    "healthcheck": "Ask a running sidecar whether it is alive.",
    "version": "Print the version.",
}


class LazyGroup(click.Group):
    """Imports a subcommand when it is called, so that `run` does not pay for `demo`."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the help."""
        return list(COMMANDS)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        gc.disable()
        command: click.Command = import_module(f"sidecar.cli.{cmd_name.replace('-', '_')}").command
        gc.freeze()
        gc.enable()
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Observability sidecar: scrapes Postgres and Redis, receives OTLP, evaluates rules, answers the probes.

    Without a configuration file the environment is enough: DATABASE_URL, REDIS_URL, SIDECAR_APP_URL, ALERTMANAGER_URL
    and SIDECAR_RULE_FILES, or what postgres_exporter and redis_exporter read. SIDECAR_LISTEN is the address of probes
    and /metrics, SIDECAR_API_LISTEN that of the page, SIDECAR_OTLP_LISTEN and SIDECAR_OTLP_GRPC_LISTEN those of the
    OTLP receivers, `off` for none; SIDECAR_LOG_FORMAT is auto, json or console.
    """
