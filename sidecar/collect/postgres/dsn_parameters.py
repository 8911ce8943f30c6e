"""The parameters of a DSN: those of libpq 16 and newer, what each may be, and what is done about it here.

https://www.postgresql.org/docs/16/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address

from sidecar.model.redact import HIDDEN

MAX_PORT = 65535

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""From the least to the most that is asked of the server."""

SYSTEM = "system"
"""Stands for the authorities of the system in `sslrootcert`."""

TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

CHOICES: Mapping[str, tuple[str, ...]] = {
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "gsslib": ("gssapi", "sspi"),
    "load_balance_hosts": ("disable", "random"),
    "sslcertmode": ("disable", "allow", "require"),
    "sslmode": SSL_MODES,
    "sslnegotiation": ("postgres", "direct"),
    "ssl_max_protocol_version": TLS_VERSIONS,
    "ssl_min_protocol_version": TLS_VERSIONS,
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}
NUMBERS = frozenset(
    {
        *("connect_timeout", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval"),
        *("gssdelegation", "sslcompression", "sslsni", "tcp_user_timeout"),
    }
)
METHODS = frozenset({"gss", "md5", "none", "oauth", "password", "scram-sha-256", "sspi"})
"""What `require_auth` may name."""

USED = frozenset(
    {
        *("database", "dbname", "host", "hostaddr", "password", "port", "user", "passfile", "service"),
        *("sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl", "sslcrldir", "krbsrvname"),
        *("options", "role", "search_path"),
        *CHOICES,
        *("require_auth", "requirepeer", "sslsni"),
    }
)
OF_THE_SERVER = frozenset({"options", "role", "search_path"})
"""Settings of the server that change what we see; it refuses the connection for each name that it does not know."""

OUR_OWN = frozenset(
    {
        *("application_name", "fallback_application_name", "client_encoding", "replication"),
        *(NUMBERS - {"gssdelegation"}),
    }
)
"""Our name, encoding and deadlines apply, and nobody expects otherwise."""

KNOWN = USED | OUR_OWN

_WEAKER = {"channel_binding": "require", "gssencmode": "require"}
"""What is not done here, and is told: it may be what somebody relies on."""

_VALUE = re.compile(r"[\w.!-]{1,40}", re.ASCII)


def check(given: Mapping[str, str]) -> None:
    """Raise ValueError for the first of the parameters that libpq would refuse, or that nothing here could do."""
    for name, value in given.items():
        if name in CHOICES:
            _check_choice(name, value)
        elif name in NUMBERS and not re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value, re.ASCII):
            raise ValueError(f"`{name}` is {_shown(value)}; it must be a whole number")
        elif name in _CHECKS:
            _CHECKS[name](value)
    _check_tls(given)


def not_done(given: Mapping[str, str]) -> Iterable[str]:
    """Return the names of those parameters that ask for what is not done here."""
    asked = [name for name, value in _WEAKER.items() if given.get(name) == value]
    return [*asked, *(name for name in ("require_auth", "requirepeer") if name in given)]


def ssl_mode(given: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Return the mode that applies; without one the system's authorities are for servers that are fully verified."""
    root = given.get("sslrootcert") or environment.get("PGSSLROOTCERT")
    usual = "verify-full" if root == SYSTEM else "prefer"
    return given.get("sslmode") or environment.get("PGSSLMODE") or usual


def _check_choice(name: str, value: str) -> None:
    choices = CHOICES[name]
    if value not in choices:
        raise ValueError(f"`{name}` is {_shown(value)}; it must be one of {', '.join(choices)}")


def _check_tls(given: Mapping[str, str]) -> None:
    mode = given.get("sslmode")
    if given.get("sslrootcert") == SYSTEM and mode not in {None, "verify-full"}:
        raise ValueError(f"`sslmode` is `{mode}`; with `sslrootcert` system it must be verify-full")
    if given.get("sslnegotiation") == "direct" and mode not in SSL_MODES[3:]:
        raise ValueError("`sslnegotiation` is `direct`; then `sslmode` must be one of require, verify-ca, verify-full")
    first, last = (given.get(f"ssl_{end}_protocol_version", "").lower() for end in ("min", "max"))
    if first and last and first > last:
        raise ValueError("`ssl_min_protocol_version` is newer than `ssl_max_protocol_version`")


def _check_hosts(value: str) -> None:
    if any(host.startswith("@") for host in value.split(",")):
        raise ValueError("`host` is a socket without a file, which cannot be connected to here")


def _check_addresses(value: str) -> None:
    for address in filter(None, value.split(",")):
        try:
            ip_address(address.partition("%")[0])
        except ValueError as error:
            raise ValueError(f"`hostaddr` has {_shown(address)}; it must be an IP address") from error


def _check_ports(value: str) -> None:
    # Not quoted: where a DSN is not well formed, a part of the password may stand here.
    for port in filter(None, value.split(",")):
        if not (re.fullmatch(r"\s*\d{1,5}\s*", port, re.ASCII) and 0 < int(port) <= MAX_PORT):
            raise ValueError(f"a port is no number from 1 to {MAX_PORT}; special characters are percent-encoded")


def _check_methods(value: str) -> None:
    methods = value.split(",")
    if len({method.startswith("!") for method in methods}) > 1:
        raise ValueError("`require_auth` has methods with and without `!`; it must be either")
    for method in methods:
        if method.strip().removeprefix("!") not in METHODS:
            raise ValueError(f"`require_auth` has {_shown(method)}; there are {', '.join(sorted(METHODS))}")


def _check_replication(value: str) -> None:
    if value.lower() not in {"false", "off", "no", "0"}:
        raise ValueError("`replication` is on; such a connection answers no queries")


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "host": _check_hosts,
    "hostaddr": _check_addresses,
    "port": _check_ports,
    "require_auth": _check_methods,
    "replication": _check_replication,
}


def _shown(value: str) -> str:
    """Return `value` quoted, unless it does not look like a value of a parameter: it may be a part of a password."""
    return f"`{value if _VALUE.fullmatch(value) else HIDDEN}`"
