"""Addresses by DNS records A, AAAA and SRV. Imported only where a configuration asks for them."""

import asyncio
from collections.abc import Iterator
from functools import partial

from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.name import Name
from dns.rdtypes.IN.SRV import SRV
from dns.resolver import NXDOMAIN, Answer

from sidecar.deliver.alertmanager.config import AlertmanagerDnsConfig
from sidecar.deliver.alertmanager.place import Found
from sidecar.model.address import Address
from sidecar.model.errors import TargetError
from sidecar.runtime.lifecycle import reason_of
from sidecar.runtime.threads.purposes import FILES

MOST_ADDRESSES = 64
"""More are left out: whoever answers for the name must not make us open queues without end."""


class Lookup:
    """Looks one name up; the server of names is that of the system, read anew each time, or a configured one."""

    def __init__(self, config: AlertmanagerDnsConfig) -> None:
        self._config = config

    async def __call__(self) -> frozenset[Found]:
        """Return what there is, which may be nothing; raise TargetError if no server of names says so in time."""
        seconds = self._config.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return frozenset(sorted(await self._found())[:MOST_ADDRESSES])
        except TimeoutError as error:
            raise TargetError(f"no answer within {seconds:g} s") from error
        except (DNSException, OSError, ValueError) as error:
            raise TargetError(reason_of(error)) from error

    async def _found(self) -> set[Found]:
        config = self._config
        resolver = await FILES.run(partial(_resolver, config.server), source=("resolv.conf", config.server))
        if config.type != "SRV":
            assert config.port is not None
            texts = await self._addresses(resolver, config.name, config.type)
            return {Found(Address(text, config.port), config.name.rstrip(".")) for text in texts}
        answer = await self._asked(resolver, config.name, "SRV")
        records = sorted({(record.target, record.port) for record in _records(answer)})[:MOST_ADDRESSES]
        return {found for record in records for found in await self._at(resolver, *record)}

    async def _at(self, resolver: Resolver, target: Name, port: int) -> set[Found]:
        """Return where the target of an SRV record is: its IPv4 addresses, or else those of IPv6."""
        for kind in ("A", "AAAA"):
            if texts := await self._addresses(resolver, target, kind):
                return {Found(Address(text, port), target.to_text(omit_final_dot=True)) for text in texts}
        return set()

    async def _addresses(self, resolver: Resolver, name: Name | str, kind: str) -> list[str]:
        answer = await self._asked(resolver, name, kind)
        return [record.to_text() for record in answer or ()]

    async def _asked(self, resolver: Resolver, name: Name | str, kind: str) -> Answer | None:
        """Return the answer, None if there is no such name."""
        lifetime = self._config.timeout_seconds
        try:
            return await resolver.resolve(name, kind, search=True, raise_on_no_answer=False, lifetime=lifetime)
        except NXDOMAIN:
            return None


def _resolver(server: Address | None) -> Resolver:
    resolver = Resolver(configure=server is None)
    if server is not None:
        resolver.nameservers, resolver.port = [server.host], server.port
    return resolver


def _records(answer: Answer | None) -> Iterator[SRV]:
    yield from (record for record in answer or () if isinstance(record, SRV))
