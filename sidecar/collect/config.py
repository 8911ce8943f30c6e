"""What the configurations of all scraped targets have in common."""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from sidecar.model.config import Config


class Preset(StrEnum):
    """How much of a target is collected; each has what the ones before it have."""

    MINIMAL = "minimal"
    BASIC = "basic"
    FULL = "full"

    def has(self, other: "Preset") -> bool:
        """Return whether what belongs to `other` belongs to this one too."""
        order = list(Preset)
        return order.index(other) <= order.index(self)


class Selection(Config):
    """Which of the views or sections of a target are collected."""

    preset: Preset = Field(
        Preset.BASIC,
        description="minimal: what alerts need; basic: what the exporters have, and more; full: everything.",
    )
    include: tuple[str, ...] = Field((), description="Names collected in addition to the preset's.")
    exclude: tuple[str, ...] = Field((), description="Names not collected.")

    def selects(self, name: str, preset: Preset) -> bool:
        """Return whether `name`, which belongs to `preset`, is collected; excluding wins."""
        return name not in self.exclude and (self.preset.has(preset) or name in self.include)

    def unknown(self, known: Iterable[str]) -> list[str]:
        """Return the selected names that are not among `known`."""
        return sorted({*self.include, *self.exclude} - set(known))


class TargetConfig(Config):
    """A server that is scraped on an interval."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="Name in logs, in labels and in `/probe?target=`; unique."
    )
    scrape_interval_seconds: float | None = Field(
        None, ge=0.1, le=3600, description="How often this target is scraped; empty: as the global setting says."
    )
    timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="Deadline around a whole scrape: connecting, waiting and every query."
    )
    job: str | None = Field(None, min_length=1, description="`job` label in rules and alerts; empty: the global one.")
    instance: str | None = Field(
        None, min_length=1, description="`instance` label in rules and alerts; empty: the global one."
    )
