"""What goes wrong in the shop: exceptions with the stack traces that Python writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.loads.shop import people
from benchmarks.loads.spans import Attributes

Frame = tuple[str, int, str, str]
"""File, line, function and the line of code there."""
Values = Mapping[str, int | str]
"""What the message of an exception names."""

_PACKAGES = "/usr/local/lib/python3.12/site-packages"
SERVER_FRAMES: tuple[Frame, ...] = (
    (f"{_PACKAGES}/uvicorn/protocols/http/httptools_impl.py", 409, "run_asgi", "result = await app("),
    (f"{_PACKAGES}/uvicorn/middleware/proxy_headers.py", 60, "__call__", "return await self.app(scope, receive, send)"),
    (f"{_PACKAGES}/fastapi/applications.py", 1054, "__call__", "await super().__call__(scope, receive, send)"),
    (f"{_PACKAGES}/starlette/applications.py", 112, "__call__", "await self.middleware_stack(scope, receive, send)"),
    (f"{_PACKAGES}/starlette/middleware/errors.py", 165, "__call__", "await self.app(scope, receive, _send)"),
    (
        f"{_PACKAGES}/starlette/middleware/exceptions.py",
        62,
        "__call__",
        "await wrap_app(self.app, conn)(scope, rec, send)",
    ),
    (f"{_PACKAGES}/starlette/routing.py", 715, "__call__", "await self.middleware_stack(scope, receive, send)"),
    (f"{_PACKAGES}/starlette/routing.py", 735, "app", "await route.handle(scope, receive, send)"),
    (f"{_PACKAGES}/fastapi/routing.py", 301, "app", "raw_response = await run_endpoint_function("),
    (f"{_PACKAGES}/fastapi/routing.py", 212, "run_endpoint_function", "return await dependant.call(**values)"),
)
_DATABASE: tuple[Frame, ...] = (
    (f"{_PACKAGES}/sqlalchemy/ext/asyncio/session.py", 461, "execute", "result = await greenlet_spawn("),
    (
        f"{_PACKAGES}/sqlalchemy/util/_concurrency_py3k.py",
        201,
        "greenlet_spawn",
        "result = context.throw(*sys.exc_info())",
    ),
    (f"{_PACKAGES}/sqlalchemy/orm/session.py", 2365, "execute", "return self._execute_internal("),
    (f"{_PACKAGES}/sqlalchemy/engine/base.py", 1416, "execute", "return meth("),
    (f"{_PACKAGES}/sqlalchemy/engine/base.py", 1964, "_exec_single_context", "self.dialect.do_execute("),
    (f"{_PACKAGES}/sqlalchemy/dialects/postgresql/asyncpg.py", 580, "execute", "self._adapt_connection.await_("),
)
_HTTP: tuple[Frame, ...] = (
    (f"{_PACKAGES}/httpx/_client.py", 1540, "request", "return await self.send(request, auth=auth)"),
    (f"{_PACKAGES}/httpx/_client.py", 1629, "send", "response = await self._send_handling_auth("),
    (f"{_PACKAGES}/httpx/_transports/default.py", 394, "handle_async_request", "resp = await self._pool.handle(req)"),
)
_REDIS: tuple[Frame, ...] = (
    (f"{_PACKAGES}/redis/asyncio/client.py", 672, "execute_command", "await conn.retry.call_with_retry("),
    (f"{_PACKAGES}/redis/asyncio/connection.py", 536, "read_response", "response = await self._parser.read_response("),
)


@dataclass(frozen=True)
class Failure:
    """One kind of exception, and whose call it comes from; the braces of its message are filled at each time."""

    type: str
    message: str
    below: tuple[Frame, ...] = ()
    caused_by: str = ""
    """The exception that this one is raised from, as the last line of a stack trace."""

    def exception(self, values: Values, above: Sequence[Frame]) -> Attributes:
        """Return what the event of a span says of it that was raised below the frames `above`."""
        message = self.message.format(**values)
        frames = (*above, *self.below)
        stack = _traceback(frames, f"{self.type}: {message}")
        if self.caused_by:
            cause = _traceback(self.below[-2:], self.caused_by.format(**values))
            stack = f"{cause}\nThe above exception was the direct cause of the following exception:\n\n{stack}"
        return {
            "exception.type": self.type,
            "exception.message": message,
            "exception.stacktrace": stack,
            "exception.escaped": "False",
        }


def values(random: Random) -> Values:
    """Return what one exception may name."""
    return {"id": random.randrange(10**6), "sku": people.sku(random), "user": people.user_id(random)}


def _traceback(frames: Sequence[Frame], last: str) -> str:
    lines = (f'  File "{path}", line {line}, in {function}\n    {code}\n' for path, line, function, code in frames)
    return f"Traceback (most recent call last):\n{''.join(lines)}{last}\n"


def _duplicate(constraint: str, key: str, table: str) -> Failure:
    violated = f'duplicate key value violates unique constraint "{constraint}"'
    message = (
        f"(sqlalchemy.dialects.postgresql.asyncpg.IntegrityError) {violated}\n"
        f"DETAIL:  Key ({key})=({{user}}) already exists.\n[SQL: INSERT INTO {table} VALUES ($1, $2, $3)]\n"
        "[parameters: ({user}, '{sku}', {id})]\n(Background on this error at: https://sqlalche.me/e/20/gkpj)"
    )
    cause = f"asyncpg.exceptions.UniqueViolationError: {violated}"
    return Failure("sqlalchemy.exc.IntegrityError", message, _DATABASE, cause)


DATABASE_FAILURES = (
    _duplicate("users_email_key", "email", "users"),
    _duplicate("carts_user_id_key", "user_id", "carts"),
    Failure(
        "sqlalchemy.exc.DBAPIError",
        "(asyncpg.exceptions.DeadlockDetectedError) deadlock detected\nDETAIL:  Process {id} waits for ShareLock",
        _DATABASE,
        "asyncpg.exceptions.DeadlockDetectedError: deadlock detected",
    ),
    Failure("sqlalchemy.exc.TimeoutError", "QueuePool limit of size 10 overflow 5 reached, timed out", _DATABASE[:4]),
    Failure("asyncpg.exceptions.QueryCanceledError", "canceling statement due to statement timeout", _DATABASE),
)
HTTP_FAILURES = (
    Failure("httpx.ReadTimeout", "", _HTTP, "httpcore.ReadTimeout"),
    Failure("httpx.ConnectError", "All connection attempts failed", _HTTP, "httpcore.ConnectError: all failed"),
    Failure("httpx.HTTPStatusError", "Server error '503 Service Unavailable' for '/articles/{id}/level'", _HTTP[:1]),
)
CACHE_FAILURES = (
    Failure("redis.exceptions.TimeoutError", "Timeout reading from redis.db.internal:6379", _REDIS),
    Failure("redis.exceptions.ReadOnlyError", "You can't write against a read only replica.", _REDIS),
)
APP_FAILURES = (
    Failure("KeyError", "'{sku}'"),
    Failure("shop.orders.errors.OrderError", "cannot price order {id}", (), "KeyError: '{sku}'"),
    Failure("AttributeError", "'NoneType' object has no attribute 'currency'"),
    Failure(
        "pydantic_core._pydantic_core.ValidationError", "1 validation error for Cart\nitems.0.sku\n  '{sku}' is unknown"
    ),
    Failure("ValueError", "invalid literal for int() with base 10: 'u{user}'"),
    Failure("decimal.InvalidOperation", "[<class 'decimal.ConversionSyntax'>]"),
    Failure("PermissionError", "user {user} may not refund order {id}"),
    Failure("RuntimeError", "stock of {sku} is negative"),
)
