"""What the files hold that a configuration names, and everything that is wrong with them or with what it selects.

Known only once the collectors are imported.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sidecar.app.config import SidecarConfig
from sidecar.app.registry import POSTGRES_VIEWS, REDIS_SECTIONS
from sidecar.app.source import ConfigSource
from sidecar.collect.config import Selection
from sidecar.collect.postgres.queries.load import load_queries
from sidecar.collect.postgres.queries.query import Query
from sidecar.model.config import Config
from sidecar.model.errors import ConfigError, Mistakes, Problem
from sidecar.model.yaml.config import Located
from sidecar.model.yaml.document import Path as DocumentPath
from sidecar.model.yaml.validation import dotted, suggestion
from sidecar.rules.group import RuleGroup
from sidecar.rules.load import load_rules
from sidecar.runtime.regular_file import open_regular

Rules = tuple[RuleGroup, ...]
Queries = dict[str, tuple[Query, ...]]
"""The queries of the operator's own, of each Postgres target by its name."""


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
        queries = _read_queries(source, located)
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


def check_selections(located: Located[SidecarConfig]) -> None:
    """Raise ConfigError with every selected name that no view or section has, each at its place."""
    views = [view.name for view in POSTGRES_VIEWS]
    sections = [section.name for section in REDIS_SECTIONS]
    unknown: list[tuple[DocumentPath, str]] = []
    for index, postgres in enumerate(located.config.postgres):
        unknown += _unknown(("postgres", index, "views"), postgres.views, "view", views)
    for index, redis in enumerate(located.config.redis):
        unknown += _unknown(("redis", index, "sections"), redis.sections, "section", sections)
    if unknown:
        raise ConfigError([located.problem_at(path, f"`{dotted(path)}`: {message}") for path, message in unknown])


def _unknown(
    path: DocumentPath, selection: Selection, kind: str, known: Sequence[str]
) -> Iterator[tuple[DocumentPath, str]]:
    for key, names in (("include", selection.include), ("exclude", selection.exclude)):
        for index, name in enumerate(names):
            if name not in known:
                yield (*path, key, index), f"no {kind} is called `{name}`{suggestion(name, known)}"


def _read_queries(source: ConfigSource, located: Located[SidecarConfig]) -> Queries:
    """Return the queries of the files that the configuration names; raise ConfigError with every problem."""
    queries: Queries = {}
    mistakes = Mistakes()
    for index, target in enumerate(located.config.postgres):
        queries[target.name] = _queries(source, located, index, mistakes)
    if mistakes.problems:
        # Targets may share a file.
        raise ConfigError(list(dict.fromkeys(mistakes.problems)))
    return queries


def _queries(
    source: ConfigSource, located: Located[SidecarConfig], index: int, mistakes: Mistakes
) -> tuple[Query, ...]:
    files = []
    for path in source.query_files(located, index, mistakes.problems.append):
        with mistakes:
            files.append((str(path), source.texts.read(path)))
    names = {view.name for view in POSTGRES_VIEWS}
    with mistakes:
        return load_queries(files, names, located.config.postgres[index].timeout_seconds)
    return ()


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
        open_regular(name).close()
    except OSError as error:
        return error.strerror or "no such file"
    return ""
