"""Real Postgres and Valkey servers on loopback, each with its own data directory and a random port.

The methods block; from asyncio call them through `asyncio.to_thread`. A server ends with this process at the latest,
even if the process is killed.
"""

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from typing_extensions import override

from sidecar.demo.binaries import postgres_bin_dir, reachable, valkey_binary
from sidecar.demo.ports import HOST as HOST
from sidecar.demo.ports import free_port
from sidecar.demo.watcher import Watcher
from sidecar.model.errors import OperatorError

START_SECONDS = 30.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.02


class Server(ABC):
    """A server process: made by its constructor, begun by `start`, removed with its data by `close`."""

    name: str
    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL

    def __init__(self) -> None:
        self.host = HOST
        self.port = 0
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: Watcher | None = None

    @property
    def directory(self) -> Path:
        """Where the server keeps its data and its log."""
        assert self._directory is not None, "the server was not started"
        return self._directory

    @property
    def pid(self) -> int:
        """Process id, 0 if none runs."""
        return self._process.pid if self._process is not None else 0

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and return when the server answers; the second time on the same port with the same data.

        Raises OperatorError with the end of the server's log if it does not come up in time.
        """
        if self._directory is None:
            self._directory = _private_directory(self.name)
            self.port = free_port()
            atexit.register(self.close)
            self._create()
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the arguments are ours
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_unprivileged(self.directory)
            )
        self._watcher = Watcher(self._process.pid, self.kill_signal, self.directory)
        self._wait_until(self._is_ready, START_SECONDS)

    def stop(self) -> None:
        """End the server in good order, by force if it takes too long."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End the server as a crash does: clients lose their connections, nothing is saved."""
        self._end(self.kill_signal)

    def close(self) -> None:
        """Stop the server and delete its data; harmless when repeated."""
        self.stop()
        atexit.unregister(self.close)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def __enter__(self) -> Self:
        """Start."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...

    def _create(self) -> None:  # noqa: B027 - optional
        """Prepare the empty data directory."""

    def _put(self, name: str, text: str) -> Path:
        """Write a file into the directory that only the server's user may read and return where it is."""
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        _give_away(path)
        return path

    def _run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Run a program as the server's user; raise OperatorError with its complaint if it fails."""
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | (environment or {}),
            **_unprivileged(self.directory),
        )
        if done.returncode:
            raise OperatorError(f"{Path(command[0]).name} failed:\n{done.stderr.decode(errors='replace')}")

    def _wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.is_running or time.monotonic() > deadline:
                log = (self.directory / "log").read_text(errors="replace")[-2000:]
                self.kill()
                raise OperatorError(f"{self.name} did not start on port {self.port}:\n{log}")
            time.sleep(POLL_SECONDS)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.dismiss()
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class PostgresServer(Server):
    """Postgres with pg_stat_statements loaded; `bin_dir` chooses an installation, `settings` go to its command line."""

    name = "Postgres"
    stop_signal = signal.SIGINT  # "fast": does not wait for clients
    kill_signal = signal.SIGQUIT  # "immediate": its own name for a crash; SIGKILL would leave its children behind

    def __init__(
        self,
        bin_dir: Path | None = None,
        settings: Mapping[str, str] | None = None,
        password: str | None = None,
    ) -> None:
        super().__init__()
        self.password = password or secrets.token_hex(8)
        self._bin_dir = bin_dir
        self._settings = {
            "shared_preload_libraries": "pg_stat_statements",
            "fsync": "off",
            **(settings or {}),
        }

    @property
    def dsn(self) -> str:
        """URL of the superuser `postgres` in the database `postgres`."""
        return self.dsn_of("postgres", self.password)

    def dsn_of(self, user: str, password: str, database: str = "postgres") -> str:
        """Return the URL of another role or database."""
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{database}"

    @override
    def _create(self) -> None:
        password_file = self._put("password", self.password)
        initdb = [self._binary("initdb"), "-D", str(self.directory / "data"), "-U", "postgres", "--no-sync"]
        initdb += ["-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--locale=C"]
        self._run(initdb)
        password_file.unlink()

    @override
    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            **self._settings,
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [self._binary("postgres"), "-D", str(self.directory / "data"), *options]

    @override
    def _is_ready(self) -> bool:
        try:
            lines = (self.directory / "data" / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        # The eighth line is the state that pg_ctl waits for; the first tells a file left by a crash from ours.
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(self.pid)

    def _binary(self, name: str) -> str:
        return str(reachable(self._bin_dir or postgres_bin_dir()) / name)


class ValkeyServer(Server):
    """Valkey, or whatever `redis-server` is given as `binary`; `arguments` go to its command line."""

    name = "Valkey"

    def __init__(self, binary: Path | None = None, arguments: Sequence[str] = (), password: str | None = None) -> None:
        super().__init__()
        self.password = password
        self._binary = binary
        self._arguments = list(arguments)

    @property
    def url(self) -> str:
        """URL of database 0, with the password if there is one."""
        return f"redis://{f':{self.password}@' if self.password else ''}{self.host}:{self.port}/0"

    @override
    def _command(self) -> list[str]:
        binary = self._binary or valkey_binary()
        command = [str(reachable(binary.parent) / binary.name), "--port", str(self.port), "--bind", self.host]
        command += ["--dir", str(self.directory), "--save", "", "--appendonly", "no", *self._arguments]
        return command + (["--requirepass", self.password] if self.password else [])

    @override
    def _is_ready(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


def _private_directory(name: str) -> Path:
    path = Path(tempfile.mkdtemp(prefix=f"sidecar-{name.lower()}-"))
    _give_away(path)
    return path


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "nobody", "nogroup")


def _unprivileged(directory: Path) -> dict[str, Any]:
    """Return the options of a child that Ctrl-C does not reach and that is not root: Postgres refuses to be."""
    options: dict[str, Any] = {"cwd": directory, "start_new_session": True}
    if os.geteuid() == 0:
        options |= {"user": "nobody", "group": "nogroup", "extra_groups": []}
    return options
