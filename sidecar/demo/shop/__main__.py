"""`python -m sidecar.demo.shop`: runs the shop; everything may be given by the environment."""

import asyncio
import logging

import click

from sidecar.demo.shop.service import serve
from sidecar.demo.shop.telemetry import tracing


@click.command()
@click.option("--host", envvar="HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", envvar="PORT", default=8080, show_default=True, help="Port to listen on.")
@click.option("--database-url", envvar="DATABASE_URL", required=True, help="postgresql://... of the shop's database.")
@click.option("--redis-url", envvar="REDIS_URL", required=True, help="redis://... of the shop's cache.")
@click.option("--with-parent", is_flag=True, help="End when standard input ends, as it does when the parent is gone.")
def main(host: str, port: int, database_url: str, redis_url: str, with_parent: bool) -> None:
    """Run the demonstration's web shop until SIGTERM; spans go to OTEL_EXPORTER_OTLP_ENDPOINT."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with tracing():
        asyncio.run(serve(host, port, database_url, redis_url, with_parent=with_parent))


if __name__ == "__main__":
    main()
