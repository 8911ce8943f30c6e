"""PgBouncer in front of a Postgres."""

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest
from typing_extensions import override

from sidecar.demo.servers import PostgresServer, Server

PoolMode = Literal["session", "transaction"]

CONFIG = """\
[databases]
* = host={postgres.host} port={postgres.port}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
admin_users = postgres
pool_mode = {pool_mode}
default_pool_size = {pool_size}
"""


class PgBouncer(Server):
    """Pools of `pool_size` connections to every database of `postgres`, for the superuser and for `roles`.

    All else is as PgBouncer comes: in particular it refuses start-up parameters that it does not know.
    """

    name = "PgBouncer"

    def __init__(
        self,
        postgres: PostgresServer,
        pool_mode: PoolMode,
        roles: Mapping[str, str] | None = None,
        pool_size: int = 2,
    ) -> None:
        super().__init__()
        self.pool_mode = pool_mode
        self._postgres = postgres
        self._passwords = {"postgres": postgres.password, **(roles or {})}
        self._pool_size = pool_size

    @property
    def dsn(self) -> str:
        """URL of the superuser `postgres` in the database `postgres`."""
        return self.dsn_of("postgres", self._postgres.password)

    def dsn_of(self, user: str, password: str, database: str = "postgres") -> str:
        """Return the URL of another role or database; the database `pgbouncer` is its console."""
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{database}"

    @override
    def _create(self) -> None:
        # Plain: it needs the password itself to answer the SCRAM of Postgres.
        users = "".join(f'"{name}" "{password}"\n' for name, password in self._passwords.items())
        config = CONFIG.format(
            postgres=self._postgres,
            host=self.host,
            port=self.port,
            users=self._put("users.txt", users),
            pool_mode=self.pool_mode,
            pool_size=self._pool_size,
        )
        self._put("pgbouncer.ini", config)

    @override
    def _command(self) -> list[str]:
        return [str(pgbouncer_binary()), str(self.directory / "pgbouncer.ini")]

    @override
    def _is_ready(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=1.0).close()
        except OSError:
            return False
        return True


def pgbouncer_binary() -> Path:
    """Return Debian's PgBouncer; skip the test where it is absent."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        pytest.skip("Debian's pgbouncer is not installed")
    return Path(found)
