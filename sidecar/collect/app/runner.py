"""The runner of an app's own metrics: one GET, parsed in a thread, all of it or nothing."""

from collections.abc import Iterable
from typing import ClassVar

from typing_extensions import override

from sidecar.collect.app.config import AppMetricsConfig
from sidecar.collect.app.connection import Connection
from sidecar.collect.app.parse import Limits, Parsing
from sidecar.collect.runner import Scrape, ScrapeContext, Target, TargetRunner
from sidecar.model.family import FamilySamples
from sidecar.runtime.threads.purposes import PARSING


class AppRunner(TargetRunner):
    """Scrapes one endpoint. The target is up when its answer could be read as a whole."""

    kind: ClassVar[str] = "app"

    def __init__(self, config: AppMetricsConfig, target: Target, context: ScrapeContext) -> None:
        super().__init__(target, config.timeout_seconds, context)
        self._limits = Limits(config.max_body_bytes, config.max_series)
        self._connection = Connection(config)

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        parsing = Parsing(await self._connection.ask(), self._limits)
        try:
            scrape.families = await PARSING.run(parsing.families)
        finally:
            parsing.stop()
        scrape.up = True

    @override
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        return ()

    @override
    def _drop_connection(self) -> None:
        self._connection.drop()

    @override
    def _secrets(self) -> Iterable[str]:
        return self._connection.secrets
