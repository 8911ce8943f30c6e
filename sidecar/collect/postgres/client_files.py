"""The files of libpq that stand beside a DSN: services, which are DSNs by name, and passwords.

https://www.postgresql.org/docs/16/libpq-pgservice.html, https://www.postgresql.org/docs/16/libpq-pgpass.html
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sidecar.collect.postgres.dsn_parameters import KNOWN
from sidecar.model.errors import TargetError
from sidecar.runtime.regular_file import read_regular

MAX_FILE_BYTES = 1 << 20

_FIELD = re.compile(r"((?:\\.|[^\\:])*)(?::|$)")


class Login(NamedTuple):
    """Who wants to be let in where; a host by the names that a line may have for it."""

    hosts: Sequence[str]
    ports: Sequence[int]
    database: str
    user: str


def service_of(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a service from the first file that has it; raise TargetError where none has.

    The files are $PGSERVICEFILE, or ~/.pg_service.conf, and pg_service.conf in $PGSYSCONFDIR.
    """
    own = environment.get("PGSERVICEFILE") or os.path.expanduser("~/.pg_service.conf")
    files = [own, *([f"{environment['PGSYSCONFDIR']}/pg_service.conf"] if environment.get("PGSYSCONFDIR") else [])]
    for file in files:
        text = _text_of(Path(file))
        found = None if text is None else service_in(text, name, file)
        if found is not None:
            return {key: _sendable(value, Path(file)) for key, value in found.items()}
    raise TargetError(f"no service `{name}` in {' or '.join(f'`{file}`' for file in files)}")


def service_in(text: str, name: str, file: str) -> dict[str, str] | None:
    """Return the parameters of the service `name` in the `text` of a file, None where it is not."""
    found: dict[str, str] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if line.startswith("["):
            if found is not None:
                break
            found = {} if line == f"[{name}]" else None
        elif found is not None and line and not line.startswith("#"):
            key, sign, value = line.partition("=")
            if not sign or key not in KNOWN or key == "service":
                raise TargetError(f"`{file}`, line {number}: not a parameter of a connection with a value")
            found.setdefault("dbname" if key == "database" else key, value)
    return found


def password_of(login: Login, passfile: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the password that the file has for `login`: `passfile`, $PGPASSFILE, or ~/.pgpass; None where it has none.

    Raises TargetError for a `passfile` that cannot be used, as one that others may read. One that the DSN does not name
    may not be meant for us: then a server that needs no password must be reached all the same.
    """
    path = Path(passfile or environment.get("PGPASSFILE") or os.path.expanduser("~/.pgpass"))
    try:
        return _password_in(path, login)
    except (TargetError, OSError):
        if passfile:
            raise
        return None


def _password_in(path: Path, login: Login) -> str | None:
    text = _text_of(path)
    if text is None:
        return None
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise TargetError(f"`{path}` holds passwords and others may read it; its mode must be 0600")
    password = password_in(text, login)
    return None if password is None else _sendable(password, path)


def password_in(text: str, login: Login) -> str | None:
    """Return the password of the first line of `text` that is for `login`: `host:port:database:user:password`."""
    hosts = {*login.hosts, *(["localhost"] if any(host.startswith("/") for host in login.hosts) else [])}
    wanted = (hosts, {str(port) for port in login.ports}, {login.database}, {login.user})
    for line in text.split("\n"):
        if line.startswith("#"):
            continue
        fields = list(_fields(line.rstrip("\r")))
        if len(fields) >= 5 and all(
            field == "*" or _plain(field) in values for field, values in zip(fields, wanted, strict=False)
        ):
            return _plain(fields[4])
    return None


def _fields(line: str) -> Iterable[str]:
    for match in _FIELD.finditer(line):
        yield match[1]
        if match.end(1) == match.end():
            return


def _plain(field: str) -> str:
    return re.sub(r"\\(.)", r"\1", field)


def _sendable(value: str, path: Path) -> str:
    if not value.isascii() and any(0xDC80 <= ord(character) <= 0xDCFF for character in value):
        raise TargetError(f"`{path}` has bytes that are not UTF-8 text in what is for this server")
    return value


def _text_of(path: Path) -> str | None:
    """Return the text of a file, None where there is no plain file.

    Bytes that are no text are kept as such: they may stand in a line for another server.
    """
    try:
        if not path.is_file():
            return None
        return read_regular(path, MAX_FILE_BYTES).decode(errors="surrogateescape")
    except OSError as error:
        raise TargetError(f"cannot read `{path}`: {error.strerror}") from error
