"""What goes wrong in the shop; the shop is an app of its own, so this is not part of the sidecar's tree of errors."""

import asyncpg


class OutOfStockError(Exception):
    """An order asks for more than there is."""


class PaymentDeclinedError(Exception):
    """An order costs more than the shop takes payment for."""


class NotReadyError(Exception):
    """The shop's tables were not made yet, because the database has not been reached so far."""


UNAVAILABLE = (
    NotReadyError,
    OSError,  # refused, reset; TimeoutError is one, too
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server is being started or stopped
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,  # the connection was closed under a query
)
"""Raised while the database cannot be used; the same request may succeed a moment later."""
