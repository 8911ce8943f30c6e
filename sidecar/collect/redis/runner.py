"""The Redis runner: one connection, one INFO, every section for itself."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from redis.asyncio.connection import AbstractConnection
from typing_extensions import override

from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.connection import Connector, ask_info, drop, is_usable
from sidecar.collect.redis.section import Info, Section, parse_info
from sidecar.collect.redis.summary import Summary
from sidecar.collect.runner import CollectorResult, Scrape, ScrapeContext, Target, TargetRunner
from sidecar.model.errors import OperatorError
from sidecar.model.family import FamilySamples


class RedisRunner(TargetRunner):
    """Scrapes one server for those of `sections` that the configuration selects.

    Raises OperatorError for a name in the configuration that no section has.
    """

    kind: ClassVar[str] = "redis"

    def __init__(
        self, config: RedisConfig, sections: Sequence[Section], target: Target, context: ScrapeContext
    ) -> None:
        unknown = config.sections.unknown(section.name for section in sections)
        if unknown:
            known = ", ".join(section.name for section in sections)
            raise OperatorError(f"redis `{config.name}`: no section is called `{unknown[0]}`; there are {known}")
        super().__init__(target, config.timeout_seconds, context)
        self._sections = [section for section in sections if config.sections.selects(section.name, section.default)]
        self._connector = Connector(config)
        self._connection: AbstractConnection | None = None
        self._connect_seconds = 0.0
        self._sums = Summary()

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        scrape.results = {section.name: CollectorResult() for section in self._sections}
        connection = await self._connected()
        info = parse_info(await ask_info(connection))
        scrape.up = True
        now = self._clock.now()
        for section in self._sections:
            self._collect(section, info, now, scrape)

    async def _connected(self) -> AbstractConnection:
        started = self._clock.monotonic()
        self._connect_seconds = 0.0
        if self._connection is not None and not await is_usable(self._connection):
            self._drop_connection()
        if self._connection is None:
            self._connection = await self._connector.connect()
            self._connect_seconds = self._clock.monotonic() - started
        return self._connection

    def _collect(self, section: Section, info: Info, now: float, scrape: Scrape) -> None:
        try:
            scrape.families += list(section.convert(info, now))
        except Exception as error:  # noqa: BLE001 - one section's trouble is its own, and is reported
            self._collector_failed(section.name, error)
        else:
            scrape.results[section.name].success = True
            self._failing.discard(section.name)

    @override
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        return self._sums.families(scrape, duration_seconds, self._connect_seconds)

    @override
    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            drop(connection)

    @override
    def _secrets(self) -> Iterable[str]:
        return self._connector.secrets
