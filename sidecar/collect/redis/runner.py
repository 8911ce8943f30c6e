"""The Redis runner: one connection, one INFO, every section for itself."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from redis.asyncio.connection import AbstractConnection
from typing_extensions import override

from sidecar.collect.events import CommandNotAllowed, CommandNotThere
from sidecar.collect.redis.ask import Asking
from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.connection import Connector, drop, is_usable
from sidecar.collect.redis.section import (
    AnySection,
    CommandError,
    CommandSection,
    RedisServer,
    Section,
    parse_info,
    text_of,
)
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
        self, config: RedisConfig, sections: Sequence[AnySection], target: Target, context: ScrapeContext
    ) -> None:
        unknown = config.sections.unknown(section.name for section in sections)
        if unknown:
            known = ", ".join(section.name for section in sections)
            raise OperatorError(f"redis `{config.name}`: no section is called `{unknown[0]}`; there are {known}")
        super().__init__(target, config.timeout_seconds, context)
        self._config = config
        self._sections = [section for section in sections if config.sections.selects(section.name, section.preset)]
        self._connector = Connector(config)
        self._connection: AbstractConnection | None = None
        self._connect_seconds = 0.0
        self._sums = Summary()

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        scrape.results = {section.name: CollectorResult() for section in self._sections}
        ask = Asking(await self._connected())
        info = parse_info(text_of(await ask("INFO", "ALL")))
        scrape.up = True
        server = RedisServer(info, self._clock.now(), self._config)
        for section in self._sections:
            if isinstance(section, Section) or section.applies(server):
                await self._collect(section, ask, server, scrape)
            else:
                del scrape.results[section.name]

    async def _connected(self) -> AbstractConnection:
        started = self._clock.monotonic()
        self._connect_seconds = 0.0
        if self._connection is not None and not await is_usable(self._connection):
            self._drop_connection()
        if self._connection is None:
            self._connection = await self._connector.connect()
            self._connect_seconds = self._clock.monotonic() - started
        return self._connection

    async def _collect(self, section: AnySection, ask: Asking, server: RedisServer, scrape: Scrape) -> None:
        started = self._clock.monotonic()
        success = False
        try:
            if isinstance(section, Section):
                scrape.families += section.convert(server.info, server.now)
            else:
                scrape.families += await section.collect(ask, server)
            success = True
            self._failing.discard(section.name)
        except Exception as error:
            # One section's trouble is its own, unless the connection went with it.
            if self._connection is None or not self._connection.is_connected:
                raise
            self._section_failed(section, error)
        finally:
            scrape.results[section.name].note(success, self._clock.monotonic() - started)

    def _section_failed(self, section: AnySection, error: Exception) -> None:
        text = str(error)
        if not isinstance(error, CommandError) or not isinstance(section, CommandSection):
            self._collector_failed(section.name, error)
        elif section.name not in self._failing:
            self._failing.add(section.name)
            if "no permissions" in text or text.startswith("NOPERM"):
                rules = " ".join(section.permissions)
                user = self._connector.username
                self._events.emit(CommandNotAllowed(self.name, section.name, f"ACL SETUSER {user} {rules}"))
            else:
                self._events.emit(CommandNotThere(self.name, section.name, self._error_text(error)))

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
