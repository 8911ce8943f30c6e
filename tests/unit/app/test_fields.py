"""No setting is forgotten by a reload: each field that changes changes a part, or is taken by what lives on."""

import pytest

from sidecar.app.build import build_parts
from sidecar.app.config import SidecarConfig
from sidecar.app.files import Files
from sidecar.app.foundation import lay_foundation
from sidecar.app.process import Process
from sidecar.app.reload import Part, RunningParts
from sidecar.app.source import ConfigSource
from tests.fakes import FakeClock
from tests.unit.app.config_fields import Field, fields_of, pair_of
from tests.unit.app.state_of import state_of

READ_WHEN_NEEDED = {
    "log.format": "`sidecar run` sets up logging anew whenever a configuration comes into force",
    "log.level": "`sidecar run` sets up logging anew whenever a configuration comes into force",
    "shutdown.drain_delay_seconds": "the configuration in force is asked when the process drains",
    "shutdown.timeout_seconds": "the configuration in force is asked when the process stops",
}
"""Fields that no part and no store has, and why a reload reaches them all the same."""

FIELDS = tuple(fields_of(SidecarConfig))
IN_FORCE = SidecarConfig()


class Reloading:
    """What a reload has to do with: the parts of a configuration, and what lives on; nothing is opened."""

    def __init__(self) -> None:
        config = SidecarConfig()
        self._base = lay_foundation(config, FakeClock())
        self._source = ConfigSource(None, {})
        running = RunningParts({}, self._base.events)
        self._process = Process(config, self._source, self._base, running, lambda config: None)

    def parts(self, config: SidecarConfig) -> tuple[Part, ...]:
        files = Files((), {target.name: () for target in config.postgres})
        return build_parts(config, files, self._source, self._process.stores, self._base)

    def lives_on(self, config: SidecarConfig) -> object:
        """Return the state of what lives on, once `config` is in force."""
        self._process._adopt(config)
        self._process.stores.config = IN_FORCE  # it knows all of it, and proves nothing
        return state_of((self._process.stores, self._base.board))


@pytest.fixture(scope="module")
def reloading() -> Reloading:
    return Reloading()


@pytest.mark.parametrize("part", SidecarConfig.model_fields)
def test_a_field_that_changes_changes_a_part_or_is_taken_by_what_lives_on(part: str, reloading: Reloading) -> None:
    fields = [field for field in FIELDS if field.steps[0].key == part]
    forgotten = {field.name for field in fields if not _reaches(field, reloading)}
    assert forgotten == {name for name in READ_WHEN_NEEDED if name.partition(".")[0] == part}


def _reaches(field: Field, reloading: Reloading) -> bool:
    before, after = pair_of(field)
    if reloading.parts(before) != reloading.parts(after):
        return True
    return reloading.lives_on(before) != reloading.lives_on(after)


def test_a_reload_of_the_same_configuration_changes_nothing(reloading: Reloading) -> None:
    config, same = SidecarConfig(), SidecarConfig()
    assert reloading.parts(config) == reloading.parts(same)
    reloading.lives_on(config)
    assert reloading.lives_on(config) == reloading.lives_on(same)


def test_every_exception_is_a_field() -> None:
    assert READ_WHEN_NEEDED.keys() <= {field.name for field in FIELDS}
