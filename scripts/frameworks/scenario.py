"""What a recording is of."""

from typing import NamedTuple, TypedDict


class Truth(TypedDict):
    """What the app did; what is seen of its telemetry is to be the same.

    `errors` are failures, however many spans and log records tell of each, and `groups` how many different ones.
    `statements` are different queries and commands, values aside, and `calls` how often they were sent. Of each
    endpoint there is the number of calls a request, and `n_plus_one` has the calls of each query that one request
    repeated.
    """

    errors: int
    groups: int
    statements: int
    calls: int
    calls_per_request: dict[str, float]
    n_plus_one: list[int]


class Scenario(NamedTuple):
    """Requests to an app, each `METHOD /path`, with a body of JSON after another space where it has one.

    `served` is how many statements Postgres is to count itself: those that succeed, without those of transactions.
    """

    name: str
    about: str
    app: str
    program: str
    requests: tuple[str, ...]
    truth: Truth
    served: int = 0
    environment: tuple[tuple[str, str], ...] = ()
