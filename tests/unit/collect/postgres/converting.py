"""What the tests of views share: a view by name, and the values it makes of rows."""

from collections.abc import Mapping
from typing import Any

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.view import Server, View
from tests.unit.collect.scraping import values_of

SERVER = Server(180006)
BLIND = Server(180006, can_monitor=False)


def view(name: str) -> View:
    """Return the registered view of this name."""
    return next(view for view in POSTGRES_VIEWS if view.name == name)


def convert(name: str, *rows: Mapping[str, Any], server: Server = SERVER) -> dict[str, float]:
    """Return what the view makes of `rows`, by series."""
    return values_of(view(name).convert(rows, server))
