"""What the files hold that a configuration names, and everything that is wrong with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sidecar.app.config import SidecarConfig
from sidecar.app.queries import Queries, read_queries
from sidecar.app.selection import check_selections
from sidecar.app.source import ConfigSource
from sidecar.model.config import Config
from sidecar.model.errors import ConfigError, Mistakes, Problem
from sidecar.model.yaml.config import Located
from sidecar.model.yaml.document import Path as DocumentPath
from sidecar.rules.group import RuleGroup
from sidecar.rules.load import load_rules

Rules = tuple[RuleGroup, ...]


class Files(NamedTuple):
    """What the files hold, by kind; `warnings` are what is hardly meant in them, `problems` what is wrong.

    None of it is to run if there are problems. `good_rule_files` are those without one.
    """

    rules: Rules
    queries: Queries
    warnings: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    good_rule_files: tuple[str, ...] = ()


def load_files(source: ConfigSource, located: Located[SidecarConfig]) -> Files:
    """Return what the files hold that the configuration names.

    Views and sections that the configuration selects are looked up here as well: a mistake must be found before
    anything is swapped.
    """
    mistakes, queries = Mistakes(), {}
    with mistakes:
        check_selections(located)
    with mistakes:
        queries = read_queries(source, located)
    warnings = list(source.unmatched(located))
    interval_ms = round(located.config.rules.evaluation_interval_seconds * 1000)
    groups: list[RuleGroup] = []
    good: list[str] = []
    for path in source.rule_files(located, mistakes.problems.append):
        with mistakes:
            groups += load_rules([(str(path), source.texts.read(path))], interval_ms, warnings.append)
            good.append(str(path))
    return Files(tuple(groups), queries, tuple(warnings), tuple(mistakes.problems), tuple(good))


def load_good_files(source: ConfigSource, located: Located[SidecarConfig]) -> Files:
    """Return the same; raise ConfigError if there is any problem."""
    files = load_files(source, located)
    if files.problems:
        raise ConfigError(files.problems)
    return files


def missing_files(located: Located[SidecarConfig]) -> Iterator[Problem]:
    """Yield a problem for each file of a secret or a certificate that cannot be read now.

    They are read when they are needed, and may come later; `run` starts without them.
    """
    yield from (
        located.problem_at(path, f"`{path[-1]}`: `{name}` cannot be read: {reason}")
        for path, name in _named_files(located.config, ())
        if (reason := _unreadable(name))
    )


def _named_files(config: Config, path: DocumentPath) -> Iterator[tuple[DocumentPath, str]]:
    for name, value in config:
        place = (*path, name)
        if isinstance(value, Config):
            yield from _named_files(value, place)
        elif isinstance(value, tuple):
            inner = ((index, item) for index, item in enumerate(value) if isinstance(item, Config))
            for index, item in inner:
                yield from _named_files(item, (*place, index))
        elif name.endswith("_file") and isinstance(value, str):
            yield place, value


def _unreadable(name: str) -> str:
    try:
        with Path(name).open("rb"):
            return ""
    except OSError as error:
        return error.strerror or "no such file"
