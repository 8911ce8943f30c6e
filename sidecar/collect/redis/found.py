"""What a section found out about keys."""

from collections.abc import Iterable, Mapping

from sidecar.collect.redis.section import Refused
from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.model.labels import Labels, labels_of


class Found:
    """Samples by family, each series once, and the keys that the server does not tell about."""

    def __init__(self) -> None:
        self._samples: dict[Family, dict[Labels, Sample]] = {}
        self.refused: list[Refused] = []

    def add(self, family: Family, labels: Mapping[str, str], value: float | None) -> None:
        """Take a value; None is one that is not known, and is left out."""
        if value is not None:
            sample = Sample(family.name, labels_of(labels), value)
            self._samples.setdefault(family, {})[sample.labels] = sample

    def everything(self) -> Iterable[FamilySamples | Refused]:
        """Return the samples, and what was refused."""
        families = [FamilySamples(family, list(samples.values())) for family, samples in self._samples.items()]
        return [*families, *self.refused]
