"""The shop as a web service: its application, its answer to errors, and its life from start to signal."""

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler
from opentelemetry import trace

from sidecar.demo.shop.cache import Cache, open_cache
from sidecar.demo.shop.errors import UNAVAILABLE
from sidecar.demo.shop.routes import CACHE, STORE, routes
from sidecar.demo.shop.store import Store, open_store

RETRY_AFTER_SECONDS = 1
LAST_REQUESTS_SECONDS = 0.2

logger = logging.getLogger("shop")


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn an exception into 500, or 503 while the database is away, and record it on the request's span.

    Answering here, inside the tracing middleware, gives the span the status code that the client sees.
    """
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except UNAVAILABLE as error:
        trace.get_current_span().record_exception(error)
        return web.json_response(
            {"detail": "try again later"},
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    except Exception as error:  # noqa: BLE001 - the last line of defence: recorded, and the client gets an answer
        trace.get_current_span().record_exception(error)
        logger.info("%s %s: %s: %s", request.method, request.path, type(error).__name__, error)
        return web.json_response({"detail": type(error).__name__}, status=HTTPStatus.INTERNAL_SERVER_ERROR)


def build_application(store: Store, cache: Cache) -> web.Application:
    """Return the shop's application; traced if tracing was started before."""
    application = web.Application(middlewares=[answer_errors])
    application[STORE] = store
    application[CACHE] = cache
    application.add_routes(routes)
    return application


async def serve(host: str, port: int, database_url: str, redis_url: str, *, with_parent: bool = False) -> None:
    """Serve the shop until SIGTERM or SIGINT; neither server needs to be there, now or later.

    `with_parent` says that nothing is ever written to standard input: when it ends, the shop ends, too.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        loop.add_reader(sys.stdin, stop.set)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(database_url))
        cache = await stack.enter_async_context(open_cache(redis_url))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        preparing = tasks.create_task(store.prepare())
        stack.callback(preparing.cancel)
        runner = web.AppRunner(build_application(store, cache), access_log=None, shutdown_timeout=LAST_REQUESTS_SECONDS)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, host, port).start()
        await stop.wait()
