"""A Redis primary with one replica under the eyes of three Sentinels."""

from pathlib import Path
from typing import Any

from redis import Redis
from typing_extensions import override

from sidecar.demo.servers import HOST, ValkeyServer
from tests.integration.topologies.redis_pair import PRIMARY_ARGUMENTS, info
from tests.integration.topologies.topology import Topology, wait_until

PRIMARY_NAME = "main"

CONFIG = """\
sentinel monitor {name} {host} {port} 2
sentinel down-after-milliseconds {name} 2000
sentinel failover-timeout {name} 5000
"""

PERIODS = ["PUBLISH-PERIOD", "100", "INFO-PERIOD", "500", "PING-PERIOD", "200"]  # milliseconds


class SentinelTrio(Topology):
    """`sentinels` watch `primary` under the name `main` with a quorum of two, and know `replica` and each other."""

    def __init__(self, binary: Path | None = None) -> None:
        super().__init__()
        self._binary = binary
        self.primary: ValkeyServer
        self.replica: ValkeyServer
        self.sentinels: list[Sentinel]

    @override
    def _start(self) -> None:
        self.primary = self._stack.enter_context(ValkeyServer(self._binary, PRIMARY_ARGUMENTS))
        follow = ["--replicaof", HOST, str(self.primary.port)]
        self.replica = self._stack.enter_context(ValkeyServer(self._binary, follow))
        wait_until(lambda: info(self.primary, "replication")["connected_slaves"] == 1)
        self.sentinels = [self._stack.enter_context(Sentinel(self.primary.port, self._binary)) for _ in range(3)]
        wait_until(lambda: all(sentinel.knows_all() for sentinel in self.sentinels))


class Sentinel(ValkeyServer):
    """A Sentinel of the primary behind `primary_port`."""

    def __init__(self, primary_port: int, binary: Path | None = None) -> None:
        super().__init__(binary)
        self._primary_port = primary_port

    @override
    def start(self) -> None:
        super().start()
        # With its own periods, of seconds, three of them would need that long to hear of each other and of an outage.
        with Redis.from_url(self.url) as client:
            client.execute_command("SENTINEL", "DEBUG", *PERIODS)

    def knows_all(self) -> bool:
        """Whether it sees the primary, one replica and two other Sentinels."""
        (primary,) = self.masters()
        return (primary["flags"], primary["num-slaves"], primary["num-other-sentinels"]) == ("master", 1, 2)

    def masters(self) -> list[dict[str, Any]]:
        """Return what it says of each primary, as redis-py reads it."""
        with Redis.from_url(self.url, decode_responses=True) as client:
            answer: Any = client.sentinel_masters()
            return list(answer.values())

    @override
    def _create(self) -> None:
        self._put("sentinel.conf", CONFIG.format(name=PRIMARY_NAME, host=HOST, port=self._primary_port))

    @override
    def _command(self) -> list[str]:
        program, *_ = super()._command()
        listen = ["--port", str(self.port), "--bind", self.host, "--dir", str(self.directory)]
        return [program, str(self.directory / "sentinel.conf"), *listen, "--sentinel"]
