"""A Redis primary and its replica."""

from pathlib import Path
from typing import Any

from redis import Redis
from typing_extensions import override

from sidecar.demo.servers import HOST, ValkeyServer
from tests.integration.topologies.relay import Relay
from tests.integration.topologies.topology import Topology, wait_until

# A full copy starts at once instead of waiting for more replicas.
PRIMARY_ARGUMENTS = ["--repl-diskless-sync-delay", "0"]


class RedisPair(Topology):
    """`replica` follows `primary`, both made with `binary` (Valkey if None); `link` is what lies between them."""

    def __init__(self, binary: Path | None = None) -> None:
        super().__init__()
        self._binary = binary
        self.primary: ValkeyServer
        self.replica: ValkeyServer
        self.link: Relay

    @override
    def _start(self) -> None:
        self.primary = self._stack.enter_context(ValkeyServer(self._binary, PRIMARY_ARGUMENTS))
        self.link = self._stack.enter_context(Relay(self.primary.port))
        self.replica = self._stack.enter_context(ValkeyServer(self._binary, ["--replicaof", HOST, str(self.link.port)]))
        wait_until(self.is_linked)

    def is_linked(self) -> bool:
        """Whether the replica holds a copy and is fed."""
        return bool(info(self.replica, "replication")["master_link_status"] == "up")


def info(server: ValkeyServer, section: str) -> dict[str, Any]:
    """Return a section of INFO as redis-py reads it."""
    with Redis.from_url(server.url) as client:
        found: dict[str, Any] = client.info(section)
        return found
