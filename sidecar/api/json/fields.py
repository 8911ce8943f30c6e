"""Sparse answers: `fields=a,b.c` leaves only these of an item, and its `id`."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel

from sidecar.api.json.problem import ProblemError

ALWAYS = "id"
Tree: TypeAlias = Mapping[str, "Tree"]
"""Fields by name with the fields inside them; an empty one is taken whole."""


def paths_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every path that `fields=` may name of `model`."""
    for name, field in model.model_fields.items():
        yield prefix + name
        inner = _model_in(field.annotation)
        if inner is not None and inner is not model:
            yield from paths_of(inner, f"{prefix}{name}.")


def parse_fields(text: str, model: type[BaseModel]) -> Tree:
    """Return the fields that `text` names; raise ProblemError that tells the unknown ones and those there are."""
    wanted = [path.strip() for path in text.split(",")]
    known = set(paths_of(model))
    unknown = [path for path in wanted if path not in known]
    if unknown:
        shown = ", ".join(f"`{path[:60]}`" for path in unknown[:5])
        raise ProblemError(400, f"there is no field {shown}; there are: {', '.join(sorted(known))}")
    tree: dict[str, Any] = {ALWAYS: {}}
    for path in sorted(wanted, key=len, reverse=True):  # a whole field, the shorter path, wins over a part of it
        *outer, last = path.split(".")
        place = tree
        for name in outer:
            place = place.setdefault(name, {})
        place[last] = {}
    return tree


def only(item: Any, tree: Tree) -> Any:
    """Return of `item`, or of each item of a list, what `tree` names."""
    if not tree or item is None:
        return item
    if isinstance(item, list):
        return [only(each, tree) for each in item]
    return {name: only(item[name], inner) for name, inner in tree.items() if name in item}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that `annotation` is, or is a list of, or may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, tuple, Union, UnionType, Annotated):
        return next(filter(None, map(_model_in, get_args(annotation))), None)
    return None
