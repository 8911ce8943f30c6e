"""The span pipeline of the composition root, as the comparison with the reference drives and reads it."""

from typing import TypeAlias

from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import lay_foundation
from sidecar.app.stores import Stores
from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.family import Exemplar
from sidecar.model.steps import finished
from sidecar.spans.error_groups.group import ErrorGroup
from sidecar.spans.queries.findings import Finding
from sidecar.spans.queries.statistics import QueryFacts
from sidecar.spans.traces.search import TraceQuery, TraceSummary, search
from tests.fakes import FakeClock
from tests.reference.spans.series import Labels, Samples
from tests.unit.spans.pipelines import shown
from tests.workloads.posts import Post

Exemplars: TypeAlias = dict[tuple[str, Labels], Exemplar]


class Present:
    """The stores of a sidecar, which are given requests in protobuf or in JSON."""

    def __init__(self, form: str) -> None:
        config = SidecarConfig.model_validate({"job": "shop"})
        self._stores = Stores(config, lay_foundation(config, FakeClock()))
        self._form, self._json = form, JsonTraces()

    def receive(self, post: Post, now: float) -> None:
        is_json = self._form == "json"
        batches = finished(self._json.read(post.json(), now)) if is_json else SpanBatches(post.protobuf(), now)
        for batch in batches:
            self._stores.spans.current.accept(batch)

    def tick(self, now: float) -> None:
        finished(self._stores.traces.advance(now))

    def page(self, now: float) -> tuple[Samples, Exemplars]:
        """Return what /metrics shows, and the exemplars there."""
        samples: Samples = {}
        exemplars: Exemplars = {}
        for family in shown(self._stores.spans.current, now):
            keys = [(sample.name, sample.labels) for sample in family.samples]
            samples |= {key: sample.value for key, sample in zip(keys, family.samples, strict=True)}
            exemplars |= {keys[place]: exemplar for place, exemplar in family.exemplars.items()}
        return samples, exemplars

    def groups(self) -> dict[str, ErrorGroup]:
        return {group.id: group for group in self._stores.insights.errors.newest()}

    def queries(self) -> list[QueryFacts]:
        return [*self._stores.insights.queries.statistics.all()]

    def findings(self) -> list[Finding]:
        return [*self._stores.insights.queries.findings.newest()]

    def traces(self, now: float) -> list[TraceSummary]:
        return [*finished(search(self._stores.traces, TraceQuery(), 100_000, now)).traces]
