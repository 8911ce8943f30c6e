"""`sidecar check`: what `run` would refuse, without running."""

from pathlib import Path

import click

from sidecar.app.source import read_text
from sidecar.cli.config_option import config_option, exit_with, read_or_exit
from sidecar.model.errors import OperatorError
from sidecar.rules.load import load_rules

DEFAULT_INTERVAL_MS = 60_000


@click.command("check")
@config_option
@click.argument("rule_files", nargs=-1, type=click.Path(path_type=Path))
def command(path: Path | None, rule_files: tuple[Path, ...]) -> None:
    """Check RULE_FILES, or else the configuration and the rule files that it names.

    Every problem is one line, file:line:column: what is wrong. Exit code 0 when there is none, 1 otherwise.
    """
    try:
        if not rule_files:
            source, located = read_or_exit(path)
            rule_files = tuple(source.rule_files(located))
            click.echo(f"{path or 'environment'}: configuration is good")
        for file in rule_files:
            groups = load_rules([(str(file), read_text(file))], DEFAULT_INTERVAL_MS)
            click.echo(f"{file}: {sum(len(group.rules) for group in groups)} rules in {len(groups)} groups are good")
    except OperatorError as error:
        exit_with(error)
