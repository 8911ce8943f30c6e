"""`sidecar healthcheck`: for the container's HEALTHCHECK, where no curl is."""

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import click

DEFAULT_URL = "http://127.0.0.1:9464/livez/self"


@click.command("healthcheck")
@click.option("--url", default=DEFAULT_URL, envvar="SIDECAR_HEALTHCHECK_URL", show_default=True, help="What to ask.")
@click.option("--timeout", "timeout_seconds", default=2.0, show_default=True, help="Deadline in seconds.")
def command(url: str, timeout_seconds: float) -> None:
    """Ask a running sidecar; exit code 0 when it answers 200, 1 otherwise."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=timeout_seconds)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        click.echo(f"{url}: {error}", err=True)
        raise SystemExit(1) from error
    finally:
        connection.close()
    click.echo(f"{url}: HTTP {status}")
    raise SystemExit(0 if status == 200 else 1)
