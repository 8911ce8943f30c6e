"""The base of every configuration model, and reading one from YAML text with a position for each mistake."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from sidecar.model.errors import ConfigError, Problem

Path = tuple[str | int, ...]
Mark = tuple[int, int]

Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_REFERENCE = re.compile(r"\$\$|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class Config(BaseModel):
    """A frozen, strict part of the configuration; a field's description is its reference."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


ConfigT = TypeVar("ConfigT", bound=Config)


class Located(NamedTuple, Generic[ConfigT]):
    """A configuration that remembers where each of its values was written."""

    config: ConfigT
    problem_at: Callable[[Path, str], Problem]
    """Return a problem at the place of the value at a path such as `("rules", "files", 0)`."""


def read_config(model: type[ConfigT], name: str, text: str, env: Mapping[str, str]) -> Located[ConfigT]:
    """Return `text` (YAML of the file called `name`) as a `model`.

    `${VAR}` and `${VAR:-default}` in a value are replaced from `env`, `$$` is a dollar sign. Raises ConfigError with
    all problems at once, each at its line and column; secrets are never part of a message.
    """
    document = _Document(name, env)
    data = document.parse(text)
    if document.problems:
        raise ConfigError(document.problems)
    try:
        config = model.model_validate({} if data is None else data)
    except ValidationError as error:
        problems = [document.problem_of(model, dict(item)) for item in error.errors(include_url=False)]
        raise ConfigError(sorted(problems, key=lambda problem: problem[1:3])) from error
    return Located(config, document.problem_at)


class _Document:
    """A YAML document as plain data that remembers where each value was written."""

    def __init__(self, name: str, env: Mapping[str, str]) -> None:
        self.name = name
        self.env = env
        self.problems: list[Problem] = []
        self._marks: dict[Path, Mark] = {}
        self._key_marks: dict[Path, Mark] = {}

    def parse(self, text: str) -> Any:
        """Return the first document of `text` as plain data; mistakes are added to `problems`."""
        loader = Loader(text)
        try:
            node = loader.get_single_node()
            return None if node is None else self._value(loader, node, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
            self.problems.append(Problem(self.name, line, column, f"not valid YAML: {error.problem or error.context}"))
        except yaml.YAMLError as error:
            self.problems.append(Problem(self.name, 0, 0, f"not valid YAML: {error}"))
        finally:
            loader.dispose()
        return None

    def problem_at(self, path: Path, message: str) -> Problem:
        """Return a problem at the value of `path`, or at its nearest parent that was written."""
        return Problem(self.name, *self._nearest(path), message)

    def problem_of(self, model: type[BaseModel], error: Mapping[str, Any]) -> Problem:
        """Return pydantic's `error` as a problem at the place of the value, or of its nearest written parent."""
        path = tuple(part for part in error["loc"] if not str(part).startswith("function-"))
        if error["type"] == "extra_forbidden":
            line, column = self._key_marks.get(path) or self._nearest(path)
            return Problem(self.name, line, column, _unknown_key(model, path))
        where = ".".join(str(part) for part in path) or "configuration"
        return self.problem_at(path, f"`{where}`: {_message_of(error)}")

    def _nearest(self, path: Path) -> Mark:
        known = [path[:length] for length in range(len(path), -1, -1) if path[:length] in self._marks]
        return self._marks[known[0]] if known else (1, 1)

    def _value(self, loader: yaml.SafeLoader, node: yaml.Node, path: Path) -> Any:
        self._marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(loader, node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(loader, item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(loader, node, path)

    def _mapping(self, loader: yaml.SafeLoader, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        loader.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = str(key_node.value)
            mark = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if key in result:
                self.problems.append(Problem(self.name, *mark, f"key `{key}` is given twice"))
            self._key_marks[(*path, key)] = mark
            result[key] = self._value(loader, value_node, (*path, key))
        return result

    def _scalar(self, loader: yaml.SafeLoader, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.ScalarNode) and "$" in node.value:
            text = _REFERENCE.sub(lambda match: self._reference(match, path), node.value)
            tag = loader.resolve(  # type: ignore[no-untyped-call] # types-PyYAML leaves it out
                yaml.ScalarNode, text, (node.style is None, True)
            )
            node = yaml.ScalarNode(tag, text, node.start_mark, node.end_mark, node.style)
        return loader.construct_object(node, deep=True)

    def _reference(self, match: re.Match[str], path: Path) -> str:
        if match[0] == "$$":
            return "$"
        value = self.env.get(match["name"]) or match["default"]
        if value is None:
            problem = (
                f"environment variable `{match['name']}` is not set; `${{{match['name']}:-default}}` gives a default"
            )
            self.problems.append(Problem(self.name, *self._marks[path], problem))
            return ""
        return value


def _message_of(error: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _unknown_key(model: type[BaseModel], path: Path) -> str:
    from difflib import get_close_matches

    known = sorted(_keys_at(model, path[:-1]))
    close = get_close_matches(str(path[-1]), known, n=1)
    hint = f"; did you mean `{close[0]}`?" if close else f"; known here: {', '.join(known)}" if known else ""
    return f"unknown key `{'.'.join(map(str, path))}`{hint}"


def _keys_at(model: type[BaseModel], path: Path) -> set[str]:
    """Return the keys that may stand at `path` below `model`, through lists, unions and tagged unions."""
    models: list[type[BaseModel]] = [model]
    for part in path:
        if isinstance(part, int):
            continue
        found = [inner for outer in models for inner in _models_under(outer, part)]
        models = found or [inner for inner in models if _is_tag(inner, part)] or models
    return {field.alias or name for inner in models for name, field in inner.model_fields.items()}


def _is_tag(model: type[BaseModel], tag: str) -> bool:
    return any(tag == field.default for field in model.model_fields.values())


def _models_under(model: type[BaseModel], key: str) -> list[type[BaseModel]]:
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return list(_models_in(field.annotation))
    return []


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)
