"""The Redis runner: one connection, one INFO, every section for itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import ClassVar, assert_never

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoPermissionError
from typing_extensions import override

from sidecar.collect.events import CommandNotThere, KeyRefused, NamesSummed
from sidecar.collect.redis.ask import Asking
from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.connection import Connector, certificate_expiry, drop, is_usable
from sidecar.collect.redis.denied import Denied
from sidecar.collect.redis.info import Info, parse_info
from sidecar.collect.redis.lists import BoundedLists
from sidecar.collect.redis.section import (
    AnySection,
    CommandError,
    CommandNotPermittedError,
    CommandSection,
    NotNowError,
    PipelinedSection,
    RedisServer,
    Refused,
    Section,
    acl_rule,
    text_of,
)
from sidecar.collect.redis.summary import Summary, Timing
from sidecar.collect.runner import CollectorResult, Scrape, ScrapeContext, Target, TargetRunner
from sidecar.model.errors import OperatorError, TargetError
from sidecar.model.family import FamilySamples
from sidecar.model.redact import redact
from sidecar.runtime.threads.purposes import PARSING

LARGE = 1 << 16
"""Characters of INFO from which it is read in a thread: a line takes about a microsecond, and probes wait meanwhile."""


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
        self._connector = Connector(config, context.events.emit)
        self._connection: AbstractConnection | None = None
        self._ask: Asking | None = None
        # Until a server has told what it is: the sections that apply to all of them.
        self._applying = frozenset(section.name for section in self._sections if _applies_to_all(section))
        self._timing = Timing()
        self._sums = Summary()
        self._denied = Denied()
        self._lists = BoundedLists()
        self._summed: set[str] = set()

    @override
    async def _scrape(self, scrape: Scrape) -> None:
        scrape.results = self._results()
        self._timing = Timing()
        self._denied.begin()
        connection, ask = await self._connected()
        ask.begin(self._clock.monotonic())
        text = await self._info(ask)
        scrape.up = True
        info = self._read(text) if len(text) < LARGE else await PARSING.run(partial(self._read, text))
        self._tell_summed()
        server = RedisServer(
            info, self._clock.now(), self._config, int(connection.db or 0), certificate_expiry(connection)
        )
        asked = self._commands(server)
        self._applying = frozenset(section.name for section in self._sections if _applies(section, asked, server))
        scrape.results = self._results()
        await ask.send([command for commands in asked.values() for command in commands])
        self._convert_info(server, scrape)
        for section, commands in asked.items():
            await self._take_answers(section, commands, ask, server, scrape)
        await self._hold_dialogues(ask, server, scrape)
        if news := self._denied.news(self.name, self._connector.username):
            self._events.emit(news)

    def _read(self, text: str) -> Info:
        return self._lists.bounded(parse_info(text))

    def _tell_summed(self) -> None:
        summed = {name for name, count in self._lists.summed.items() if count}
        for name in sorted(summed - self._summed):
            self._events.emit(NamesSummed(self.name, name, self._lists.summed[name]))
        self._summed = summed

    def _results(self) -> dict[str, CollectorResult]:
        """Return a result for each section that applies to this server, as far as that is known."""
        return {section.name: CollectorResult() for section in self._sections if section.name in self._applying}

    async def _connected(self) -> tuple[AbstractConnection, Asking]:
        started = self._clock.monotonic()
        if self._connection is not None and not await is_usable(self._connection):
            self._drop_connection()
        if self._connection is None or self._ask is None:
            try:
                self._connection = await self._connector.connect()
            except NoPermissionError as error:
                self._denied.note("select", ["+info", "+select"])
                raise self._denied.failure("select the database of the URL", self._connector.username) from error
            self._ask = Asking(self._connection)
            self._timing.connect_seconds = self._clock.monotonic() - started
        return self._connection, self._ask

    async def _info(self, ask: Asking) -> str:
        if self._config.ping:
            await self._ping(ask)
        started = self._clock.monotonic()
        try:
            reply = await ask("INFO", "ALL")
        except CommandNotPermittedError as error:
            self._denied.note("info", ["+info"])
            raise self._denied.failure("ask for INFO", self._connector.username) from error
        self._timing.info_seconds = self._clock.monotonic() - started
        if not isinstance(reply, bytes):
            raise TargetError("the answer to INFO is no text; a proxy that has none of its own may be in between")
        return text_of(reply)

    async def _ping(self, ask: Asking) -> None:
        """Measure the time of a PING, if the server answers it; nothing else depends on that."""
        started = self._clock.monotonic()
        try:
            await ask("PING")
        except CommandNotPermittedError:
            self._denied.note("ping", ["+ping"])
        except CommandError as error:
            self._left_out("ping", "ping", error)
        else:
            self._failing.discard("ping")
            self._timing.ping_seconds = self._clock.monotonic() - started

    def _commands(self, server: RedisServer) -> dict[PipelinedSection, Sequence[tuple[str, ...]]]:
        """Return what to ask for which section; not those that have nothing to ask for."""
        pipelined = [section for section in self._sections if isinstance(section, PipelinedSection)]
        return {section: commands for section in pipelined if (commands := section.commands(server))}

    def _convert_info(self, server: RedisServer, scrape: Scrape) -> None:
        for section in self._sections:
            if isinstance(section, Section) and section.name in self._applying:
                with self._collecting(section, scrape):
                    scrape.families += section.convert(server)

    async def _take_answers(
        self,
        section: PipelinedSection,
        commands: Sequence[tuple[str, ...]],
        ask: Asking,
        server: RedisServer,
        scrape: Scrape,
    ) -> None:
        with self._collecting(section, scrape):
            replies = await ask.replies(len(commands))
            pairs = list(zip(commands, replies, strict=True))
            answers = {command: reply for command, reply in pairs if not isinstance(reply, CommandError)}
            scrape.families += section.convert(answers, server)
            self._refuse(section, [(command, reply) for command, reply in pairs if isinstance(reply, CommandError)])

    def _refuse(self, section: PipelinedSection, refused: Sequence[tuple[tuple[str, ...], CommandError]]) -> None:
        """Note what the user lacks, and raise one of the errors: rather one that no permission would mend."""
        rules = [acl_rule(command) for command, error in refused if isinstance(error, CommandNotPermittedError)]
        if rules:
            self._denied.note(section.name, rules)
        if refused:
            raise min((error for _, error in refused), key=lambda error: isinstance(error, CommandNotPermittedError))

    async def _hold_dialogues(self, ask: Asking, server: RedisServer, scrape: Scrape) -> None:
        for section in self._sections:
            if isinstance(section, CommandSection) and section.name in self._applying:
                items: list[FamilySamples | Refused] = []
                with self._collecting(section, scrape):
                    items += await section.collect(ask, server)
                scrape.families += [item for item in items if not isinstance(item, Refused)]
                self._leave_out(section, [item for item in items if isinstance(item, Refused)], scrape)

    @contextmanager
    def _collecting(self, section: AnySection, scrape: Scrape) -> Iterator[None]:
        """Note how the section fares; its trouble is its own, unless the connection went with it."""
        started = self._clock.monotonic()
        success = False
        try:
            yield
            success = True
            self._failing.discard(section.name)
        except Exception as error:
            if self._connection is None or not self._connection.is_connected:
                raise
            self._section_failed(section, error)
        finally:
            scrape.results[section.name].note(success, self._clock.monotonic() - started)

    def _section_failed(self, section: AnySection, error: Exception) -> None:
        if isinstance(section, Section) or not isinstance(error, CommandError):
            self._collector_failed(section.name, error)
        elif isinstance(error, CommandNotPermittedError):
            self._denied.note(section.name, self._rules_of(section))
        else:
            self._left_out(section.name, section.name, error)

    def _left_out(self, failing: str, section: str, error: CommandError) -> None:
        """Tell once, as long as it is `failing`, that the server does not tell what the section asks."""
        if failing not in self._failing:
            self._failing.add(failing)
            said = redact(str(error).strip(), self._secrets())
            self._events.emit(CommandNotThere(self.name, section, said))

    def _leave_out(self, section: CommandSection, refused: Sequence[Refused], scrape: Scrape) -> None:
        """Count the section as failed if the server did not tell about all keys, and tell once about each of them."""
        if refused:
            scrape.results[section.name].success = False
        # What holds for all keys alike is told about the section, not about each key.
        told = {f"{section.name} {_key_told(item)}": item for item in refused if not _is_denied(item)}
        self._failing -= {name for name in self._failing if name.startswith(f"{section.name} ") and name not in told}
        for name, item in told.items():
            if isinstance(item.error, NotNowError):
                self._left_out(name, section.name, item.error)
            elif name not in self._failing:
                self._failing.add(name)
                self._events.emit(KeyRefused(self.name, section.name, item.key, self._error_text(item.error)))
        if any(map(_is_denied, refused)):
            self._denied.note(section.name, self._rules_of(section))

    def _rules_of(self, section: CommandSection | PipelinedSection) -> Sequence[str]:
        return section.permissions(self._config) if callable(section.permissions) else section.permissions

    @override
    def _summary(self, scrape: Scrape, duration_seconds: float) -> Iterable[FamilySamples]:
        yield from self._sums.families(scrape, duration_seconds, self._timing)
        if scrape.up:
            yield from self._lists.families()

    @override
    def _drop_connection(self) -> None:
        connection, self._connection, self._ask = self._connection, None, None
        if connection is not None:
            drop(connection)

    @override
    def _secrets(self) -> Iterable[str]:
        return self._connector.secrets


def _applies(
    section: AnySection, asked: Mapping[PipelinedSection, Sequence[tuple[str, ...]]], server: RedisServer
) -> bool:
    match section:
        case PipelinedSection():
            return section in asked
        case CommandSection():
            return section.applies(server)
        case Section():
            return section.applies is None or section.applies(server)
    assert_never(section)


def _applies_to_all(section: AnySection) -> bool:
    return isinstance(section, Section) and section.applies is None


def _key_told(refused: Refused) -> str:
    return "" if isinstance(refused.error, NotNowError) else refused.key


def _is_denied(refused: Refused) -> bool:
    return isinstance(refused.error, CommandNotPermittedError)
