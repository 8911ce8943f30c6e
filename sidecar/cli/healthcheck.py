"""`sidecar healthcheck`: for the container's HEALTHCHECK, where no curl is."""

import os
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import click

from sidecar.app.environment.variables import POD_LISTEN, first_set
from sidecar.cli.config_option import config_option
from sidecar.runtime.regular_file import read_regular

DEFAULT_PORT = 9464
LONGEST_SECONDS = 3600.0
PATH = "/livez/self"
WANTED = "not an http:// URL with a host and, if any, a port up to 65535"
EVERY_INTERFACE = frozenset({"", "::", "0.0.0.0"})  # noqa: S104 # compared with, not listened on


def _http_url(_context: click.Context, _option: click.Parameter, url: str | None) -> SplitResult | None:
    """Return the value of --url taken apart; refuse what cannot be asked."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and parts.hostname and parts.port != 0
    except ValueError as error:
        raise click.BadParameter(WANTED) from error
    if not usable:
        raise click.BadParameter(WANTED)
    if parts.username is not None:
        raise click.BadParameter("credentials in the URL are not sent")
    return parts


def _seconds(_context: click.Context, _option: click.Parameter, seconds: float) -> float:
    """Return the value of --timeout; refuse what is no time to wait, not-a-number included."""
    if not 0 < seconds <= LONGEST_SECONDS:
        raise click.BadParameter(f"{seconds:g} is not above 0 and up to {LONGEST_SECONDS:g}")
    return seconds


@click.command("healthcheck")
@config_option
@click.option(
    "--url",
    "parts",
    callback=_http_url,
    envvar="SIDECAR_HEALTHCHECK_URL",
    metavar="URL",
    help=f"What to ask; by default {PATH} where the configuration says that probes are answered. "
    "[env: SIDECAR_HEALTHCHECK_URL]",
)
@click.option(
    "--timeout", "timeout_seconds", default=2.0, show_default=True, callback=_seconds, help="Deadline in seconds."
)
def command(path: Path | None, parts: SplitResult | None, timeout_seconds: float) -> None:
    """Ask a running sidecar; exit code 0 when it answers 200, 1 otherwise."""
    parts = parts or urlsplit(f"http://{_pod_address(path, os.environ)}{PATH}")
    url = parts.geturl()
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout_seconds)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
        status = connection.getresponse().status
    except (OSError, HTTPException, UnicodeError) as error:
        click.echo(f"{url}: {error}", err=True)
        raise SystemExit(1) from error
    finally:
        connection.close()
    click.echo(f"{url}: HTTP {status}")
    raise SystemExit(0 if status == 200 else 1)


def _pod_address(path: Path | None, env: Mapping[str, str]) -> str:
    """Return host:port of the probes as `run` would take it from the configuration file, or from `env` without one.

    Where that cannot be read the default: a bad edit must not have a running sidecar killed.
    """
    listen = _listen_in(path, env) if path else first_set(env, *POD_LISTEN)[1]
    host, _, port = str(listen or "").rpartition(":")
    host = "127.0.0.1" if host.strip("[]") in EVERY_INTERFACE else host
    return f"{host}:{port if port.isascii() and port.isdecimal() else DEFAULT_PORT}"


def _listen_in(path: Path, env: Mapping[str, str]) -> object:
    """Return `pod.listen` of the configuration file, without looking at the rest of it; None where there is none."""
    from sidecar.model.yaml.document import Document  # YAML takes a third of the time of the whole command

    try:
        data = Document(str(path), read_regular(path).decode(), env).data
    except (OSError, UnicodeDecodeError) as error:
        click.echo(f"{path}: {error}; asking the default port", err=True)
        return None
    pod = data.get("pod") if isinstance(data, dict) else None
    return pod.get("listen") if isinstance(pod, dict) else None
