"""What a model refuses of its input, in the words and by the path of whoever wrote it, and what is good in it."""

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from sidecar.model.config import FileName
from sidecar.model.yaml.document import Path

_NOT_A_MAPPING = "should be a mapping of keys to values"
_PLAIN_WORDS = {
    "model_type": _NOT_A_MAPPING,
    "model_attributes_type": _NOT_A_MAPPING,
    "dict_type": _NOT_A_MAPPING,
    "tuple_type": "should be a list",
}
"""What pydantic says in Python's terms, by the error's type."""

ModelT = TypeVar("ModelT", bound=BaseModel)


class Mistake(NamedTuple):
    """One value that a model refuses: its path as the user wrote it, and why, without the value if it is secret."""

    path: Path
    message: str
    is_unknown_key: bool


def mistakes_in(model: type[BaseModel], error: ValidationError) -> list[Mistake]:
    """Return what is wrong with the input that `model` refused with `error`."""
    return [_mistake(model, dict(item)) for item in error.errors(include_url=False, include_input=False)]


def salvaged(model: type[ModelT], data: object) -> ModelT:
    """Return what is good in `data`; a field that is not has its default, None if there is none."""
    given = data if isinstance(data, dict) else {}
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        values[name] = _salvaged_field(field, given[name], default) if name in given else default
    return model.model_construct(**values)


def _salvaged_field(field: FieldInfo, value: object, default: object) -> object:
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        pass
    if isinstance(value, list) and _are_names(field.annotation):
        return tuple(item if isinstance(item, str) else "" for item in value)  # each one stays at its index
    for shape in _alternatives(field.annotation):
        models = list(_models_in(shape))
        if len(models) == 1 and get_origin(shape) is tuple and isinstance(value, list):
            return tuple(salvaged(models[0], item) for item in value)
        if models == [shape] and isinstance(value, dict):
            return salvaged(models[0], value)
    return default


def _alternatives(annotation: object) -> Sequence[object]:
    """Return what a value of `annotation` may be: one thing, or several where None or something else will do too."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _are_names(annotation: object) -> bool:
    return get_origin(annotation) is tuple and get_args(annotation)[0] is FileName


def dotted(path: Path) -> str:
    """Return `path` as messages show it."""
    return ".".join(str(part) for part in path) or "configuration"


def _mistake(model: type[BaseModel], error: Mapping[str, Any]) -> Mistake:
    location: Path = error["loc"]
    if error["type"] == "extra_forbidden":
        parents, models = _follow(model, location[:-1])
        path = (*parents, location[-1])
        return Mistake(path, _unknown_key(path, models), is_unknown_key=True)
    path, _ = _follow(model, location)
    if error["type"] == "union_tag_invalid":
        context = error["ctx"]
        path = (*path, context["discriminator"].strip("'"))
        return Mistake(path, f"`{context['tag']}` is not one of {context['expected_tags']}", is_unknown_key=False)
    message = _PLAIN_WORDS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    return Mistake(path, message[:1].lower() + message[1:], is_unknown_key=False)


def _unknown_key(path: Path, models: Sequence[type[BaseModel]]) -> str:
    known = sorted({field.alias or name for model in models for name, field in model.model_fields.items()})
    return f"unknown key `{dotted(path)}`{suggestion(str(path[-1]), known)}"


def suggestion(wrong: str, known: Sequence[str]) -> str:
    """Return the end of a message about a name that is not among `known`: the nearest one, or else all."""
    from difflib import get_close_matches

    close = get_close_matches(wrong, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; known here: {', '.join(known)}" if known else ""


def _follow(model: type[BaseModel], location: Path) -> tuple[Path, list[type[BaseModel]]]:
    """Return `location` without what pydantic adds to it, tags of unions and names of functions; and the models there.

    Those are the models whose keys may stand at the end of the path.
    """
    path: list[str | int] = []
    models: list[type[BaseModel]] = [model]
    for part in location:
        if isinstance(part, int):
            path.append(part)
            continue
        tagged = [inner for inner in models if len(models) > 1 and part in _tags(inner)]
        if part.startswith("function-") or tagged:
            models = tagged or models
            continue
        path.append(part)
        models = [inner for outer in models for inner in _models_under(outer, part)]
    return tuple(path), models


def _tags(model: type[BaseModel]) -> set[str]:
    literals = [field.annotation for field in model.model_fields.values() if get_origin(field.annotation) is Literal]
    return {tag for literal in literals for tag in get_args(literal)}


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
