"""`sidecar check`: what `run` would refuse, without running."""

from collections.abc import Sequence
from pathlib import Path

import click

from sidecar.app.queries import read_queries
from sidecar.app.selection import check_selections
from sidecar.app.texts import read_text
from sidecar.cli.config_option import config_option, exit_with, read_or_exit
from sidecar.model.errors import ConfigError, Problem
from sidecar.rules.load import load_rules

DEFAULT_INTERVAL_MS = 60_000


@click.command("check")
@config_option
@click.argument("rule_files", nargs=-1, type=click.Path(path_type=Path))
def command(path: Path | None, rule_files: tuple[Path, ...]) -> None:
    """Check RULE_FILES, or else the configuration and the rule and queries files that it names.

    Every problem is one line, file:line:column: what is wrong. Exit code 0 when there is none, 1 otherwise.
    """
    problems: list[Problem] = []
    files: Sequence[Path] = rule_files
    if not rule_files:
        files = _check_configuration(path, problems)
    for file in files:
        try:
            groups = load_rules([(str(file), read_text(file))], DEFAULT_INTERVAL_MS)
        except ConfigError as error:
            problems += error.problems
        else:
            click.echo(f"{file}: {sum(len(group.rules) for group in groups)} rules in {len(groups)} groups are good")
    if problems:
        exit_with(ConfigError(problems))


def _check_configuration(path: Path | None, problems: list[Problem]) -> Sequence[Path]:
    """Return the rule files that the configuration names; what is wrong with it goes to `problems`.

    A configuration that cannot be read at all ends the command.
    """
    source, located = read_or_exit(path)
    for ignored in source.ignored_variables():
        click.echo(f"environment: `{ignored.variable}` is ignored: {ignored.reason}", err=True)
    files: Sequence[Path] = ()
    for step in (lambda: check_selections(located), lambda: read_queries(source, located)):
        try:
            step()
        except ConfigError as error:
            problems += error.problems
    try:
        files = source.rule_files(located)
    except ConfigError as error:
        problems += error.problems
    if not problems:
        click.echo(f"{path or 'environment'}: configuration is good")
    return files
