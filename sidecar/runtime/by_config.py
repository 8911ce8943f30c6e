"""A store that starts anew when its settings change."""

from collections.abc import Callable
from typing import Generic, TypeVar

from sidecar.model.config import Config

ConfigT = TypeVar("ConfigT", bound=Config)
StoreT = TypeVar("StoreT")


class ByConfig(Generic[ConfigT, StoreT]):
    """The store that `make` makes of a configuration; `current` is the one that is shown.

    The one before is kept until `adopt`, so that a reload which is taken back loses nothing.
    """

    def __init__(self, config: ConfigT, make: Callable[[ConfigT], StoreT]) -> None:
        self._make = make
        self.current = make(config)
        self._made = {config: self.current}

    def of(self, config: ConfigT) -> StoreT:
        """Make the store of `config` the current one and return it; other settings begin with nothing."""
        if config not in self._made:
            self._made[config] = self._make(config)
        self.current = self._made[config]
        return self.current

    def adopt(self, config: ConfigT) -> None:
        """Take `config` as the one in force, and forget the stores of others."""
        self._made = {config: self.of(config)}
