"""The TLS side of connections to Postgres, as libpq has it: reading certificates is no work for the loop."""

import os
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from typing_extensions import override

from sidecar.collect.postgres.dsn import Dsn
from sidecar.collect.postgres.dsn_parameters import SSL_MODES, SYSTEM, ssl_mode
from sidecar.model.errors import TargetError
from sidecar.runtime.regular_file import open_regular
from sidecar.runtime.threads.purposes import FILES
from sidecar.runtime.tls import MadeFromFiles

FILE_PARAMETERS = {
    "sslrootcert": ("PGSSLROOTCERT", "root.crt"),
    "sslcrl": ("PGSSLCRL", "root.crl"),
    "sslcert": ("PGSSLCERT", "postgresql.crt"),
    "sslkey": ("PGSSLKEY", "postgresql.key"),
}
"""Parameters of a DSN that name a file, and what is read without one: the variable's, or this in ~/.postgresql."""


class NamedContext(ssl.SSLContext):
    """A context that asks a server for the certificate of its name where we connect to an address.

    `names` has the name for an address; without `sends_name` the server is not told whom we want.
    """

    names: Mapping[str | None, str | None]
    sends_name: bool

    @override
    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        wanted = options.get("server_hostname")
        options["server_hostname"] = self.names.get(wanted, wanted) if self.sends_name or self.check_hostname else None
        return super().wrap_bio(*arguments, **options)


class TlsContexts:
    """Makes the context of a target's connections, and makes it anew only when one of its files has changed."""

    def __init__(self) -> None:
        self._made = MadeFromFiles[ssl.SSLContext]()

    async def context(self, dsn: Dsn) -> ssl.SSLContext | str:
        """Return the context for connections to `dsn`, made in a thread; raise TargetError with the file that is bad.

        The name of the mode where a connection may do without TLS: there asyncpg has to make it.
        """
        return await FILES.run(partial(self._current, dsn), source=self)

    def _current(self, dsn: Dsn) -> ssl.SSLContext | str:
        mode = ssl_mode(dsn.given, os.environ)
        if mode not in SSL_MODES:
            raise TargetError(f"PGSSLMODE must be one of {', '.join(SSL_MODES)}")
        if all(host.startswith("/") for host in dsn.addresses or [""]) or mode == "disable":
            return "disable"
        if mode in {"allow", "prefer"}:
            for name in FILE_PARAMETERS:
                if path := dsn.given.get(name):
                    _checked(path)
            return mode
        files = [
            dsn.given.get(name) or os.environ.get(FILE_PARAMETERS[name][0]) or _default(name)
            for name in FILE_PARAMETERS
        ]
        files.append(dsn.given.get("sslcrldir", ""))
        return self._made.current(files, partial(_made, dsn, mode), of=(dsn, mode))


def _made(dsn: Dsn, mode: str) -> ssl.SSLContext:
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.names = dict(zip(dsn.addresses, dsn.names, strict=True))
    context.sends_name = dsn.given.get("sslsni", "1").strip() != "0"
    context.check_hostname = mode == "verify-full"
    context.minimum_version = _version(dsn.given, "min") or ssl.TLSVersion.TLSv1_2
    context.maximum_version = _version(dsn.given, "max") or ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.set_alpn_protocols(["postgresql"])
    _load_authorities(context, dsn.given, mode)
    _load_revoked(context, dsn.given)
    _load_certificate(context, dsn.given)
    return context


def _load_authorities(context: ssl.SSLContext, given: Mapping[str, str], mode: str) -> None:
    path = _path(given, "sslrootcert")
    if path == SYSTEM:
        context.set_default_verify_paths()
    elif path is not None:
        _load(path, "sslrootcert", lambda: context.load_verify_locations(cafile=path))
    elif mode == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        raise TargetError(
            f"`sslmode` {mode} needs authorities: there is no `{_default('sslrootcert')}`; name a file in "
            f"`sslrootcert`, or `{SYSTEM}`"
        )


def _load_revoked(context: ssl.SSLContext, given: Mapping[str, str]) -> None:
    path, directory = _path(given, "sslcrl"), given.get("sslcrldir") or os.environ.get("PGSSLCRLDIR")
    if path is not None:
        _load(path, "sslcrl", lambda: context.load_verify_locations(cafile=path))
    if directory:
        _load(directory, "sslcrldir", lambda: context.load_verify_locations(capath=directory))
    if path is not None or directory:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _load_certificate(context: ssl.SSLContext, given: Mapping[str, str]) -> None:
    wish = given.get("sslcertmode") or os.environ.get("PGSSLCERTMODE") or "allow"
    if wish == "disable":
        return
    certificate, key = _path(given, "sslcert"), _path(given, "sslkey")
    if certificate is None:
        if wish == "require":
            raise TargetError(f"`sslcertmode` is require, and there is no `{_default('sslcert')}`")
        return
    password = given.get("sslpassword", "")
    if key is not None:
        _checked(key)
    _load(certificate, "sslcert", lambda: context.load_cert_chain(certificate, key, lambda: password))


def _load(path: str, parameter: str, load: Callable[[], None]) -> None:
    """Run `load`, which reads `path`; raise TargetError with both when it cannot."""
    _checked(path)
    try:
        load()
    except ssl.SSLError as error:
        raise TargetError(f"`{path}` is not what `{parameter}` needs: {error.reason or 'not PEM'}") from error
    except OSError as error:
        raise TargetError(f"cannot read `{path}`: {error.strerror}") from error


def _checked(path: str) -> None:
    try:
        if not Path(path).is_dir():
            open_regular(path).close()
    except OSError as error:
        raise TargetError(f"cannot read `{path}`: {error.strerror}") from error


def _path(given: Mapping[str, str], name: str) -> str | None:
    """Return the file of a parameter: the one that is given, or else the usual one if it is there."""
    variable, _ = FILE_PARAMETERS[name]
    named = given.get(name) or os.environ.get(variable)
    if named:
        return named
    usual = _default(name)
    return usual if os.path.exists(usual) else None


def _version(given: Mapping[str, str], end: str) -> ssl.TLSVersion | None:
    text = given.get(f"ssl_{end}_protocol_version") or os.environ.get(f"PGSSL{end.upper()}PROTOCOLVERSION")
    try:
        return ssl.TLSVersion[text.replace(".", "_")] if text else None
    except KeyError as error:
        raise TargetError(f"PGSSL{end.upper()}PROTOCOLVERSION names no version of TLS") from error


def _default(name: str) -> str:
    return os.path.expanduser(f"~/.postgresql/{FILE_PARAMETERS[name][1]}")
