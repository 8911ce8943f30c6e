"""Random questions to our engine and to a real Prometheus over the same samples."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.parse import parse
from tests.conformance.prometheus.agree import disagreement
from tests.conformance.prometheus.dataset import MINUTES, START_MS, everything, filled_head
from tests.conformance.prometheus.expressions import expressions
from tests.conformance.prometheus.server import Asked, PushedPrometheus

EARLIEST_SECONDS = 45 * 60
LATEST_SECONDS = (MINUTES + 6) * 60
"""Away from the first samples; up to a minute after the last ones are out of sight."""


@dataclass(frozen=True)
class Question:
    """A query, asked at `end_ms` and at `steps` times up to it."""

    query: str
    end_ms: int
    step_ms: int
    steps: int

    @property
    def start_ms(self) -> int:
        """Time of the first step."""
        return self.end_ms - self.steps * self.step_ms


def questions() -> SearchStrategy[Question]:
    """Return questions at times off the grid of samples and of subqueries, some thousandths after a full second."""
    return st.builds(
        lambda query, second, grid: Question(query, START_MS + second * 1000 + 611, grid[0] * 1000, grid[1]),
        expressions(),
        st.integers(EARLIEST_SECONDS, LATEST_SECONDS),
        st.one_of(
            st.tuples(st.sampled_from((60, 15, 7, 300)), st.integers(2, 12)),
            st.tuples(st.sampled_from((60, 15, 7)), st.integers(20, 60)),  # so many that some are evaluated in pieces
        ),
    )


class Rivals:
    """Our engine and a real Prometheus with the same samples."""

    def __init__(self, prometheus: PushedPrometheus) -> None:
        self._head = filled_head()
        prometheus.push(everything(self._head))
        self._instant, self._range = Asked(prometheus.port), Asked(prometheus.port)
        self.asked: set[str] = set()

    def disagreement(self, question: Question) -> str:
        """Return how the answers differ, or an empty text."""
        query, end, start, step = question.query, question.end_ms, question.start_ms, question.step_ms
        self.asked.add(query)
        theirs = query.replace("double_exponential_smoothing", "holt_winters")  # its name in Prometheus 2
        self._instant.instant(theirs, end)
        self._range.range(theirs, start, end, step)
        instant, matrix = self._instant.answer(), self._range.answer()
        if found := disagreement(query, lambda: evaluate_instant(parse(query), self._head, end), instant):
            return f"at {end}: {found}"
        return disagreement(query, lambda: evaluate_range(parse(query), self._head, start, end, step), matrix)

    def close(self) -> None:
        """Close the connections."""
        self._instant.close()
        self._range.close()

    def check(self, number: int, examples: int) -> None:
        """Ask `examples` questions under the seed `number`; AssertionError says the smallest with different answers."""

        @seed(number)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(questions())
        def agree(question: Question) -> None:
            found = self.disagreement(question)
            assert not found, f"{question}\n{question.query}\n{found}"

        agree()


@contextmanager
def rivals() -> Iterator[Rivals]:
    """Yield our engine beside a Prometheus that runs as long as the `with` block."""
    with tempfile.TemporaryDirectory() as directory, PushedPrometheus(Path(directory)) as prometheus:
        both = Rivals(prometheus)
        try:
            yield both
        finally:
            both.close()
