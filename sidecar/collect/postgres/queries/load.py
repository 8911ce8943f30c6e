"""Reading queries files: each mistake is told at its place, all of them at once."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from sidecar.collect.postgres.queries.config import ColumnConfig, QueryConfig, Usage
from sidecar.collect.postgres.queries.query import SERVER, Query
from sidecar.model.config import Config
from sidecar.model.errors import ConfigError, Problem
from sidecar.model.yaml.document import Document, Path
from sidecar.model.yaml.validation import dotted, mistakes_in

ConfigT = TypeVar("ConfigT", bound=Config)

METRIC_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")


def load_queries(
    files: Iterable[tuple[str, str]], collectors: Collection[str], timeout_seconds: float
) -> tuple[Query, ...]:
    """Return the queries of `files`, pairs of name and text, for one target.

    Raises ConfigError with the problems of all files, and then none is to be used. `collectors` are the names that are
    taken, `timeout_seconds` is the deadline of a whole scrape, which no query may have for itself.
    """
    queries: dict[str, Query] = {}
    problems: list[Problem] = []
    for name, text in files:
        reader = _QueriesFile(name, text, {*collectors, *queries}, timeout_seconds)
        queries |= {query.namespace: query for query in reader.queries()}
        problems += sorted(reader.problems, key=lambda problem: problem[1:3])
    if problems:
        raise ConfigError(problems)
    return tuple(queries.values())


class _QueriesFile:
    """Reads one file; whatever is wrong goes to `problems` and reading goes on."""

    def __init__(self, name: str, text: str, taken: Collection[str], timeout_seconds: float) -> None:
        self._document = Document(name, text, env=None)  # SQL has its own use for a dollar
        self._taken = taken
        self._timeout_seconds = timeout_seconds
        self.problems = list(self._document.problems)

    def queries(self) -> Iterator[Query]:
        """Yield the queries; only meaningful if no problem was found."""
        data = self._document.data
        if isinstance(data, dict):
            for namespace, value in data.items():
                yield from self._query(namespace, value)
        elif data is not None:
            self._report((), "a queries file is a mapping of names to queries")

    def _query(self, namespace: str, value: Any) -> Iterator[Query]:
        place: Path = (namespace,)
        if not METRIC_NAME.fullmatch(namespace):
            self._report_key(place, f"no metric may begin with `{namespace}`")
        elif namespace in self._taken:
            self._report_key(place, f"a collector is called `{namespace}` already; give the query another name")
        config = self._validated(QueryConfig, value, place)
        columns = self._columns(value, place)
        if config is None:
            return
        if config.timeout_seconds is not None and config.timeout_seconds >= self._timeout_seconds:
            limit = f"less than the {self._timeout_seconds:g} s that a whole scrape of the target may take"
            self._report((*place, "timeout_seconds"), f"`{config.timeout_seconds:g}`: must be {limit}")
        yield Query(namespace, config, tuple(columns.items()))

    def _columns(self, query: Any, place: Path) -> dict[str, ColumnConfig]:
        columns: dict[str, ColumnConfig] = {}
        for path, name, value in _written_columns(query, place):
            column = self._validated(ColumnConfig, value, path)
            if name in columns:
                self._report_key(path, f"column `{name}` is given twice")
            elif column is not None:
                self._check_name(name, column, path)
                columns[name] = column
        return columns

    def _check_name(self, name: str, column: ColumnConfig, path: Path) -> None:
        if column.usage is Usage.DISCARD:
            return
        if column.usage is not Usage.LABEL:
            if not METRIC_NAME.fullmatch(f"_{name}"):
                self._report_key(path, f"`{name}` cannot be the end of a metric's name; name it in the query with AS")
        elif name == SERVER:
            self._report_key(path, f"every series has a label `{SERVER}` already; name the column in the query with AS")
        elif not _LABEL_NAME.fullmatch(name):
            self._report_key(path, f"`{name}` is not a label name; name it in the query with AS")

    def _validated(self, model: type[ConfigT], value: Any, place: Path) -> ConfigT | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for path, message, is_unknown_key in mistakes_in(model, error):
                if is_unknown_key:
                    self._report_key((*place, *path), f"`{dotted(place)}`: {message}")
                else:
                    self._report((*place, *path), f"`{dotted((*place, *path))}`: {message}")
            return None

    def _report(self, path: Path, message: str) -> None:
        self.problems.append(self._document.problem_at(path, message))

    def _report_key(self, path: Path, message: str) -> None:
        self.problems.append(self._document.problem_at_key(path, message))


def _written_columns(query: Any, place: Path) -> Iterator[tuple[Path, str, Any]]:
    """Yield place, name and content of the columns of a query that may be wrong elsewhere."""
    metrics = query.get("metrics") if isinstance(query, dict) else None
    for index, item in enumerate(metrics if isinstance(metrics, list) else ()):
        for name, value in item.items() if isinstance(item, dict) else ():
            yield (*place, "metrics", index, name), name, value
