"""Asking a view."""

import math
from collections.abc import Sequence

from sidecar.collect.postgres.session import Session, one_value
from sidecar.collect.postgres.view import SCHEMA, Row, View


async def ask(view: View, version: int, session: Session, left_seconds: float = math.inf) -> Sequence[Row] | None:
    """Return the rows of `view` on a server of `version`, None where its predicate does not hold."""
    sql = view.sql_for(version)
    assert sql is not None, "chosen by version before"
    if view.predicate:
        found = one_value(await session.fetch(view.predicate, view.limits, left_seconds))
        if not found:
            return None
        if isinstance(found, str):
            sql = sql.replace(SCHEMA, found)
    return await session.fetch(sql, view.limits, left_seconds)
