"""`sidecar check`: what `run` would refuse, without running."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from sidecar.app.config import SidecarConfig
from sidecar.app.environment.ignored import VariableIgnored
from sidecar.app.files import load_files, missing_files
from sidecar.app.known_metrics import facts_of
from sidecar.app.source import ConfigSource, read_text
from sidecar.cli.config_option import config_option
from sidecar.model.errors import ConfigError, Mistakes, Problem
from sidecar.model.yaml.config import Located, UnusableError
from sidecar.redaction.own_secrets import OwnSecrets
from sidecar.rules.group import RuleGroup
from sidecar.rules.lint.facts import Facts
from sidecar.rules.lint.lint import DUPLICATE_RULES, lint_rules
from sidecar.rules.load import load_rules

DEFAULT_INTERVAL_MS = 60_000
WARNED = 3
"""The exit code of promtool for lint that is fatal."""


@click.command("check")
@config_option
@click.argument("rule_files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--lint",
    type=click.Choice(["all", DUPLICATE_RULES, "none"]),
    default="all",
    show_default=True,
    help="What to say of rules that load.",
)
@click.option("--lint-fatal", is_flag=True, help="Exit with code 3 when there are warnings.")
def command(path: Path | None, rule_files: tuple[Path, ...], lint: str, lint_fatal: bool) -> None:
    """Check RULE_FILES, or else the configuration and the rule and queries files that it names.

    Every problem is one line, file:line:column: what is wrong. A warning is something that `run` takes and that is
    hardly meant: a pattern that no file matches, or what lint finds in a rule, whose name follows in brackets. The
    comment `# sidecar disable NAME` in a rule or above it says that it is meant. With a configuration lint knows which
    series there will be. The last line counts problems and warnings; exit code 1 when there are problems, 3 when there
    are warnings and --lint-fatal, 0 otherwise. docs/rule-tests.md says what lint looks for.
    """
    findings = _Findings(lint, fatal=lint_fatal)
    if rule_files:
        findings.check_rules(rule_files)
    else:
        findings.check_configuration(ConfigSource(path, os.environ))
    raise SystemExit(findings.tell())


class _Findings:
    """What was looked at, and what is wrong with it."""

    def __init__(self, lint: str, *, fatal: bool) -> None:
        self._lint = lint
        self._fatal = fatal
        self._good: list[str] = []
        self._warnings: list[str] = []
        self._mistakes = Mistakes()

    def check_rules(self, files: Sequence[Path]) -> None:
        """Look at rule files that no configuration names."""
        groups: list[RuleGroup] = []
        good: dict[str, str] = {}
        for file in files:
            with self._mistakes:
                text = read_text(file)
                groups += load_rules([(str(file), text)], DEFAULT_INTERVAL_MS, self._warn)
                good[str(file)] = text
        self._add_rules(good, groups)
        self._add_lint(good.items(), DEFAULT_INTERVAL_MS, facts_of(None))

    def check_configuration(self, source: ConfigSource) -> None:
        """Look at the configuration and what it names, as far as it can be read."""
        located = self._read(source)
        if located is None:
            return
        for ignored in _ignored(source):
            self._warnings.append(f"environment: warning: `{ignored.variable}` is ignored: {ignored.reason}")
        files = load_files(source, located)
        self._mistakes.problems += files.problems
        for warning in (*files.warnings, *missing_files(located)):
            self._warn(warning)
        if not self._mistakes.problems:
            self._good.append(f"{source.path or 'environment'}: configuration is good")
        self._add_rules(files.good_rule_files, files.rules)
        texts = [(name, read_text(Path(name))) for name in files.good_rule_files]
        interval_ms = round(located.config.rules.evaluation_interval_seconds * 1000)
        self._add_lint(texts, interval_ms, facts_of(located.config))

    def tell(self) -> int:
        """Say everything and return the exit code."""
        for line in self._good:
            click.echo(line)
        problems = [str(problem) for problem in self._mistakes.problems]
        for line in (*self._warnings, *problems):
            click.echo(OwnSecrets().text(line), err=True)
        warned = f", {_count(len(self._warnings), 'warning')}" if self._warnings else ""
        if problems:
            files = len({problem.file for problem in self._mistakes.problems})
            click.echo(f"{_count(len(problems), 'mistake')} in {_count(files, 'file')}{warned}", err=True)
            return 1
        click.echo(f"No mistakes{warned}")
        return WARNED if self._fatal and self._warnings else 0

    def _read(self, source: ConfigSource) -> Located[SidecarConfig] | None:
        try:
            return source.read()
        except UnusableError as error:
            self._mistakes.problems += error.problems
            return error.rest
        except ConfigError as error:
            self._mistakes.problems += error.problems
            return None

    def _warn(self, warning: Problem) -> None:
        self._warnings.append(str(warning._replace(message=f"warning: {warning.message}")))

    def _add_lint(self, files: Iterable[tuple[str, str]], interval_ms: int, facts: Facts) -> None:
        if self._lint == "none":
            return
        for finding in lint_rules(files, interval_ms, facts):
            if self._lint in {"all", finding.lint}:
                problem = finding.problem
                self._warn(problem._replace(message=f"{problem.message} [{finding.lint}]"))

    def _add_rules(self, files: Iterable[str], groups: Sequence[RuleGroup]) -> None:
        rules = Counter(dict.fromkeys(files, 0))
        for group in groups:
            rules[group.file] += len(group.rules)
        counts = Counter(group.file for group in groups)
        self._good += [
            f"{file}: {_count(count, 'rule')} in {_count(counts[file], 'group')}, all good"
            for file, count in rules.items()
        ]


def _ignored(source: ConfigSource) -> Iterable[VariableIgnored]:
    try:
        return list(source.ignored_variables())
    except ValueError:
        return ()  # a variable that cannot be read is a mistake already


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
