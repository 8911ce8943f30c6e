"""A configuration from YAML text, with the line and column of each mistake in it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from sidecar.model.config import Config
from sidecar.model.errors import ConfigError, Problem
from sidecar.model.yaml.document import Document, Path
from sidecar.model.yaml.validation import Mistake, dotted, mistakes_in, salvaged

ConfigT = TypeVar("ConfigT", bound=Config)


class Located(NamedTuple, Generic[ConfigT]):
    """A configuration that remembers where each of its values was written."""

    config: ConfigT
    problem_at: Callable[[Path, str], Problem]
    """Return a problem at the place of the value at a path such as `("rules", "files", 0)`."""


def read_config(model: type[ConfigT], name: str, text: str, env: Mapping[str, str]) -> Located[ConfigT]:
    """Return `text` (YAML of the file called `name`) as a `model`.

    `${VAR}` and `${VAR:-default}` in a value are replaced from `env`, `$$` is a dollar sign. A plain value that is
    empty after that counts as not given. Numbers may stand in quotes. Raises UnusableError with all problems at once,
    each at its line and column; secrets are never part of a message.
    """
    document = Document(name, text, env)
    data = {} if document.data is None else document.data
    problems = list(document.problems)
    try:
        config = model.model_validate(data)
    except ValidationError as error:
        told = [mistake for mistake in mistakes_in(model, error) if _is_certain(document, mistake)]
        problems += [_problem_of(document, mistake) for mistake in told]
        config = salvaged(model, data)
    located = Located(config, document.problem_at)
    if problems:
        raise UnusableError(sorted(problems, key=lambda problem: problem[1:3]), located)
    return located


class UnusableError(ConfigError):
    """A configuration that cannot run; `rest` is what can be read of it, good for looking for further mistakes."""

    def __init__(self, problems: Sequence[Problem], rest: Located[Any]) -> None:
        self.rest = rest
        super().__init__(problems)


def _is_certain(document: Document, mistake: Mistake) -> bool:
    """Return whether `mistake` is one whatever the values are that could not be read."""
    if mistake.is_unknown_key:
        return True
    around = (path[: len(mistake.path)] == mistake.path for path in document.unknown)
    inside = (mistake.path[: len(path)] == path for path in document.unknown)
    return document.is_yaml and not any(around) and not any(inside)


def _problem_of(document: Document, mistake: Mistake) -> Problem:
    if mistake.is_unknown_key:
        return document.problem_at_key(mistake.path, mistake.message)
    return document.problem_at(mistake.path, f"`{dotted(mistake.path)}`: {mistake.message}")
