"""Every field of the configuration, each with two configurations that differ in it alone.

Nothing here knows a single field: values are tried until the models take them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import product
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from sidecar.app.config import SidecarConfig
from sidecar.model.address import Address

Data = dict[str, Any]

SWITCHED_ON: Data = {
    "forward": {"endpoint": "http://127.0.0.1:1"},
    "telemetry": {"endpoint": "http://127.0.0.1:1"},
    "state": {"path": "state.db"},
}
"""What is off by default and has other settings that then mean nothing."""

TEXTS = tuple(
    text.format(number)
    for number in (2, 3)
    for text in (
        "http://127.0.0.1:{}/",
        "postgresql://127.0.0.1:{}/d",
        "redis://127.0.0.1:{}",
        "127.0.0.1:{}",
        "other{}",
    )
)
"""Two of them are right wherever a text stands."""


class Step(NamedTuple):
    """One step to a field: the key, and the model below it where there is one, as itself or as the items of a list."""

    key: str
    model: type[BaseModel] | None = None
    in_list: bool = False


class Field(NamedTuple):
    """A field that holds no fields of its own, and the way there from the root."""

    steps: tuple[Step, ...]
    info: FieldInfo

    @property
    def name(self) -> str:
        """Return the dotted name, with the kind where items of a list are of several."""
        return ".".join(_shown(step) for step in self.steps)


def _shown(step: Step) -> str:
    kind = step.model.model_fields.get("kind") if step.model else None
    return f"{step.key}[{'|'.join(get_args(kind.annotation))}]" if kind else step.key


def fields_of(model: type[BaseModel], steps: tuple[Step, ...] = ()) -> Iterator[Field]:
    """Yield every field below `model`."""
    for key, info in model.model_fields.items():
        below = list(_models_in(info.annotation))
        for inner, in_list in below:
            yield from fields_of(inner, (*steps, Step(key, inner, in_list)))
        if not below and not _is_tag(info):
            yield Field((*steps, Step(key)), info)


def _is_tag(info: FieldInfo) -> bool:
    """Whether the field only says of which kind an item is."""
    return get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1


def _models_in(annotation: Any, in_list: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, in_list
    for argument in get_args(annotation):
        yield from _models_in(argument, in_list or get_origin(annotation) is tuple)


def pair_of(field: Field) -> tuple[SidecarConfig, SidecarConfig]:
    """Return two configurations that differ in `field` alone."""
    key = field.steps[-1].key
    values = [{}, *({key: value} for value in values_of(field.info.annotation, field.info))]
    for companion, around in product(_companions(field), (minimal, _required)):
        found: list[SidecarConfig] = []
        for value in values:
            config = _valid(SidecarConfig, _placed(field.steps[:-1], companion | value, around))
            if config is not None and config not in found:
                found.append(config)
            if len(found) == 2:
                return found[0], found[1]
    raise AssertionError(f"no two values of `{field.name}` are good; another one should be tried in {__name__}")


def _companions(field: Field) -> Iterator[Data]:
    """Yield what may stand beside a field: what must, and then one more field, for those that go only in pairs."""
    owner = field.steps[-2].model if len(field.steps) > 1 else SidecarConfig
    assert owner is not None
    key = field.steps[-1].key
    given = {} if len(field.steps) == 1 else minimal(owner)
    yield {name: value for name, value in given.items() if name != key}
    yield {name: value for name, value in given.items() if name != key and owner.model_fields[name].is_required()}
    for name, info in owner.model_fields.items():
        if name != key and not list(_models_in(info.annotation)):
            for value in values_of(info.annotation, info):
                yield given | {name: value}


def _placed(steps: Sequence[Step], inner: Data, around: Callable[[type[BaseModel]], Data]) -> Data:
    """Return the configuration in which `inner` stands at the end of `steps`, each with what `around` gives."""
    for number, step in reversed(list(enumerate(steps))):
        outer = around(steps[number - 1].model) if number else {}  # type: ignore[arg-type]
        inner = outer | {step.key: [inner] if step.in_list else inner}
    return _merged(SWITCHED_ON, inner)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Data:
    both = {key: _merged(base[key], over[key]) for key in base if isinstance(base[key], dict) and key in over}
    return {**base, **over, **both}


def minimal(model: type[BaseModel]) -> Data:
    """Return the least that `model` takes: the fields it must have, and one more if one of several is needed."""
    required = {key: info for key, info in model.model_fields.items() if info.is_required()}
    choices = [[(key, value) for value in values_of(info.annotation, info)] for key, info in required.items()]
    optional: list[list[tuple[str, Any]]] = [
        [(key, value)] for key, info in model.model_fields.items() for value in values_of(info.annotation, info)
    ]
    for more in ([], *optional):
        for chosen in product(*choices):
            data = dict([*chosen, *more])
            if _valid(model, data) is not None:
                return data
    raise AssertionError(f"nothing is good for {model.__name__}; another value should be tried in {__name__}")


def _required(model: type[BaseModel]) -> Data:
    """Return what every `model` must have: for a field that stands instead of the one more."""
    return {key: value for key, value in minimal(model).items() if model.model_fields[key].is_required()}


def maximal() -> Data:
    """Return a configuration with everything there is: each list has one item of each kind."""
    data: Data = dict(SWITCHED_ON)
    for key, info in SidecarConfig.model_fields.items():
        items = [minimal(inner) for inner, in_list in _models_in(info.annotation) if in_list]
        if items:
            data[key] = items
    checks = [minimal(inner) | {"name": f"c{n}"} for n, (inner, _) in enumerate(_items_of("probes", "checks"))]
    return data | {"probes": {"checks": checks}}


def _items_of(part: str, key: str) -> Iterator[tuple[type[BaseModel], bool]]:
    ((model, _),) = _models_in(SidecarConfig.model_fields[part].annotation)
    return _models_in(model.model_fields[key].annotation)


def _valid(model: type[Any], data: Data) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def values_of(annotation: Any, info: FieldInfo | None = None) -> Iterator[Any]:
    """Yield values that a field of this type may have, some of which its bounds will not let in; or its examples."""
    default = info.default if info and not info.is_required() else None
    if info and info.examples:
        yield from info.examples
    elif get_origin(annotation) is Annotated:
        yield from values_of(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for kind in get_args(annotation):
            yield from values_of(kind, info)
    elif get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) is tuple:
        yield from ([value] for value in values_of(get_args(annotation)[0]))
    elif get_origin(annotation) is dict:
        yield from ({"other": value} for value in values_of(get_args(annotation)[1]))
    elif isinstance(annotation, type):
        yield from _simple(annotation, default)


def _simple(kind: type[Any], default: Any) -> Iterator[Any]:
    if issubclass(kind, Enum):
        yield from (member.value for member in kind)
    elif kind is bool:
        yield from (True, False)
    elif kind in (int, float):
        some = default if isinstance(default, int | float) else 7
        yield from (kind(value) for value in (some + 1, some - 1, some * 1.1, some / 2, some + 10**9))
    elif kind is Address:
        yield from (f"127.0.0.1:{port}" for port in (2, 3))
    elif kind in (str, SecretStr):
        yield from TEXTS
