"""Our answers to random queries are those of a real Prometheus."""

from itertools import count

import pytest

from sidecar.promql import evaluate
from sidecar.promql.functions.registry import FUNCTIONS
from tests.conformance.prometheus.dataset import START_MS
from tests.conformance.prometheus.differential import Question, rivals

EXPRESSIONS = 1000


@pytest.mark.integration
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the strategies, when a test case failed
def test_random_expressions_have_the_answers_of_a_real_prometheus() -> None:
    with rivals() as both:
        for seed in count():
            both.check(seed, EXPRESSIONS // 4)
            if len(both.asked) >= EXPRESSIONS:
                break


@pytest.mark.integration
def test_a_broken_engine_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with rivals() as both:
        question = Question("rate(requests_total[2m])", START_MS + 3_600_611, 60_000, 3)
        assert both.disagreement(question) == ""
        monkeypatch.setattr(evaluate, "FUNCTIONS", {**FUNCTIONS, "rate": FUNCTIONS["increase"]})
        assert "ours" in both.disagreement(question)
