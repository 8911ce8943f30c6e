"""How a command that runs tasks ends when the operator must act: the message on standard error and exit code 1."""

from collections.abc import Iterator
from contextlib import contextmanager

from sidecar.cli.config_option import exit_with
from sidecar.model.errors import OperatorError


@contextmanager
def operator_errors_exit() -> Iterator[None]:
    """End with exit code 1 and the message of the first OperatorError that comes out, alone or in groups of any depth.

    Any other error passes.
    """
    failures: list[OperatorError] = []
    try:
        yield
    except* OperatorError as group:
        failures = list(_leaves(group))
    if failures:
        exit_with(failures[0])


def _leaves(group: BaseExceptionGroup[OperatorError]) -> Iterator[OperatorError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
