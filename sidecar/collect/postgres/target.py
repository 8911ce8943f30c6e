"""A Postgres target, made of what the sidecar knows to ask and what its operator wants to know besides."""

from collections.abc import Sequence

from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.query import Query
from sidecar.collect.postgres.queries.views import with_queries
from sidecar.collect.postgres.runner import PostgresRunner
from sidecar.collect.postgres.view import View
from sidecar.collect.runner import ScrapeContext, Target


def postgres_runner(
    config: PostgresConfig, views: Sequence[View], own: Sequence[Query], target: Target, context: ScrapeContext
) -> PostgresRunner:
    """Return the runner of a target that is asked for `views` and the operator's `own` queries.

    Raises OperatorError for a name in the configuration that no view has.
    """
    return PostgresRunner(config, with_queries(views, own, config, context.events), target, context)
