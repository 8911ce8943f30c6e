"""Whether the views and sections that a configuration selects exist: known only once the collectors are imported."""

from collections.abc import Iterator, Sequence

from sidecar.app.config import SidecarConfig
from sidecar.app.registry import POSTGRES_VIEWS, REDIS_SECTIONS
from sidecar.collect.config import Selection
from sidecar.model.errors import ConfigError
from sidecar.model.validation import dotted, suggestion
from sidecar.model.yaml.config import Located
from sidecar.model.yaml.document import Path


def check_selections(located: Located[SidecarConfig]) -> None:
    """Raise ConfigError with every selected name that no view or section has, each at its place."""
    views = [view.name for view in POSTGRES_VIEWS]
    sections = [section.name for section in REDIS_SECTIONS]
    unknown: list[tuple[Path, str]] = []
    for index, postgres in enumerate(located.config.postgres):
        unknown += _unknown(("postgres", index, "views"), postgres.views, "view", views)
    for index, redis in enumerate(located.config.redis):
        unknown += _unknown(("redis", index, "sections"), redis.sections, "section", sections)
    if unknown:
        raise ConfigError([located.problem_at(path, f"`{dotted(path)}`: {message}") for path, message in unknown])


def _unknown(path: Path, selection: Selection, kind: str, known: Sequence[str]) -> Iterator[tuple[Path, str]]:
    for key, names in (("include", selection.include), ("exclude", selection.exclude)):
        for index, name in enumerate(names):
            if name not in known:
                yield (*path, key, index), f"no {kind} is called `{name}`{suggestion(name, known)}"
