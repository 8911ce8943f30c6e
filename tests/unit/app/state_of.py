"""What objects hold, as a value that can be compared."""

from collections.abc import Iterator, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

PLAIN = (type(None), bool, int, float, complex, str, bytes, type)
CALLABLE = (FunctionType, BuiltinFunctionType, MethodType, partial)
LOOKED_INTO = ("sidecar.", "asyncio.", "collections")
"""Modules of classes whose objects are taken apart; of any other object only the type and its text pattern count."""


def state_of(thing: object) -> object:
    """Return all that `thing` and what it holds are made of: equal for two things that are alike."""
    return _state(thing, {})


def _state(thing: Any, seen: dict[int, tuple[int, object]]) -> object:
    if isinstance(thing, PLAIN):
        return thing
    if isinstance(thing, CALLABLE):
        return getattr(thing, "__qualname__", "partial")
    if id(thing) in seen:
        return "again", seen[id(thing)][0]
    seen[id(thing)] = len(seen), thing  # kept, so that no other object gets its id
    if isinstance(thing, np.ndarray):
        return thing.shape, thing.tobytes()
    if isinstance(thing, Mapping):
        return [(_state(key, seen), _state(value, seen)) for key, value in thing.items()]
    if isinstance(thing, set | frozenset):
        return sorted(repr(_state(item, seen)) for item in thing)
    if isinstance(thing, list | tuple):
        return [_state(item, seen) for item in thing]
    return [type(thing).__qualname__, *_held(thing, seen)]


def _held(thing: Any, seen: dict[int, tuple[int, object]]) -> Iterator[object]:
    yield getattr(thing, "pattern", None)
    if hasattr(thing, "get_secret_value"):
        yield thing.get_secret_value()
    if type(thing).__module__.startswith(LOOKED_INTO):
        slots = [slot for kind in type(thing).__mro__ for slot in getattr(kind, "__slots__", ())]
        for name in (*slots, *getattr(thing, "__dict__", ())):
            if name not in ("__weakref__", "__dict__"):
                yield name, _state(getattr(thing, name, None), seen)
