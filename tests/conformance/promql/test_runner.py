"""The runner notices a broken engine: each way to be wrong fails the cases it concerns, and only those."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.model.errors import QueryError
from sidecar.promql.ast import Expr, VectorSelector, walk
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.result import Matrix, Result, Sample, Scalar, Vector
from tests.conformance.promql import oracle, runner
from tests.conformance.promql.__main__ import main
from tests.conformance.promql.oracle import run_oracle
from tests.conformance.promql.runner import run_script

SCRIPT = """
load 1m
  x{a="1"} 0+60x10
  x{a="2"} 1000000x10

eval instant at 5m x
  x{a="1"} 300
  x{a="2"} 1000000

eval instant at 5m x - x
  {a="1"} 0
  {a="2"} 0

eval_ordered instant at 5m sort_desc(x)
  x{a="2"} 1000000
  x{a="1"} 300

eval range from 0 to 2m step 1m x
  x{a="1"} 0 60 120
  x{a="2"} 1000000 1000000 1000000

eval instant at 5m x + on () x
  expect fail

eval instant at 5m "text"
  expect string "text"

eval instant at 5m scalar(x{a="1"})
  300
"""
Instant = Callable[..., Result]


def of_samples(change: Callable[[tuple[Sample, ...]], tuple[Sample, ...]]) -> Instant:
    def broken(*arguments: Any) -> Result:
        answer = evaluate_instant(*arguments)
        return replace(answer, samples=change(answer.samples)) if isinstance(answer, Vector) else answer

    return broken


def of_values(change: Callable[[float], float]) -> Instant:
    return of_samples(lambda samples: tuple(Sample(labels, change(value)) for labels, value in samples))


def of_errors(*arguments: Any) -> Result:
    try:
        return evaluate_instant(*arguments)
    except QueryError:
        return Vector(arguments[2], ())


def always_an_error(*arguments: Any) -> Result:
    raise QueryError("execution", "broken")


def always_a_crash(*arguments: Any) -> Result:
    raise IndexError("broken")


def of_scalars(*arguments: Any) -> Result:
    answer = evaluate_instant(*arguments)
    return Scalar(arguments[2], answer.value + 1) if isinstance(answer, Scalar) else answer


def when_pinned(expr: Expr, source: Any, time_ms: int, *rest: Any) -> Result:
    pinned = any(isinstance(node, VectorSelector) and node.at is not None for node in walk(expr))
    return Vector(time_ms, ()) if pinned and time_ms == 60_000 else evaluate_instant(expr, source, time_ms, *rest)


def failed(path: Path) -> list[str]:
    return [text.split(": ", 1)[1] for text in run_script(path).failures]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "small.test"
    path.write_text(SCRIPT)
    return path


@pytest.mark.parametrize(
    ("broken", "cases"),
    [
        (of_samples(lambda samples: samples[1:]), 3),
        (of_samples(lambda samples: (*samples, Sample((("b", "1"),), 1.0))), 3),
        (of_samples(lambda samples: tuple(Sample((*row, ("b", "1")), value) for row, value in samples)), 3),
        (of_samples(lambda samples: tuple(Sample(row[1:], value) for row, value in samples)), 3),
        (of_samples(lambda samples: samples[::-1]), 1),
        (of_values(lambda value: value * (1 + 1e-5)), 2),
        (of_values(lambda value: value + 1e-9), 1),
        (of_values(lambda value: float("nan")), 3),
        (of_errors, 1),
        (always_an_error, 5),
        (always_a_crash, 6),
        (of_scalars, 1),
        (when_pinned, 4),
    ],
)
def test_a_broken_instant_query_fails(
    script: Path, broken: Instant, cases: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "evaluate_instant", broken)
    assert len(failed(script)) == cases


def test_a_difference_within_the_tolerance_passes(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "evaluate_instant", of_values(lambda value: value * (1 + 1e-7)))
    assert failed(script) == []


@pytest.mark.parametrize(
    ("broken", "cases"),
    [
        (lambda matrix: Matrix(matrix.series[::-1]), 1),
        (lambda matrix: Matrix(matrix.series[1:]), 4),
        (lambda matrix: Matrix(tuple(replace(s, times=s.times[1:], values=s.values[1:]) for s in matrix.series)), 1),
        (lambda matrix: Matrix(tuple(replace(s, values=s.values * 1.1) for s in matrix.series)), 3),
        (lambda matrix: Matrix(tuple(replace(s, labels=s.labels[1:]) for s in matrix.series)), 3),
    ],
)
def test_a_broken_range_query_fails_and_so_do_instant_cases_asked_as_one(
    script: Path, broken: Callable[[Matrix], Matrix], cases: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "evaluate_range", lambda *arguments: broken(evaluate_range(*arguments)))
    assert len(failed(script)) == cases


def test_the_script_itself_passes(script: Path) -> None:
    report = run_script(script)
    assert (report.passed, report.failures, report.skipped.total()) == (7, [], 0)


RECORDED = {
    "series": [{"labels": {"__name__": "x", "a": "1"}, "ts_ms": [0, 60_000], "values": ["1", "NaN"]}],
    "cases": [
        {
            "query": "x",
            "time": 30.5,
            "resp": {
                "status": "success",
                "data": {
                    "resultType": "vector",
                    "result": [{"metric": {"__name__": "x", "a": "1"}, "value": [30.5, "1"]}],
                },
            },
        },
        {"query": "x +", "time": 0, "resp": {"status": "error", "errorType": "bad_data"}},
        {"query": "1", "time": 0, "resp": {"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}}},
    ],
}


@pytest.mark.parametrize(
    ("broken", "cases"),
    [
        (evaluate_instant, 0),
        (of_samples(lambda samples: samples[1:]), 1),
        (of_values(lambda value: value * (1 + 1e-5)), 1),
        (of_samples(lambda samples: tuple(Sample(row[1:], value) for row, value in samples)), 1),
        (of_scalars, 1),
        (always_an_error, 2),
    ],
)
def test_a_broken_engine_fails_recorded_answers(
    tmp_path: Path, broken: Instant, cases: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps(RECORDED))
    monkeypatch.setattr(oracle, "evaluate_instant", broken)
    assert len(run_oracle(path).failures) == cases


def test_another_kind_of_error_than_the_recorded_one_fails(tmp_path: Path) -> None:
    case = {"query": "x + on () x", "time": 0, "resp": {"status": "error", "errorType": "execution"}}
    path = tmp_path / "recorded.json"
    for kind, failures in (("execution", 0), ("bad_data", 1)):
        case["resp"] = {"status": "error", "errorType": kind}
        series = [{"labels": {"__name__": "x", "a": a}, "ts_ms": [0], "values": ["1"]} for a in "12"]
        path.write_text(json.dumps({"series": series, "cases": [case]}))
        assert len(run_oracle(path).failures) == failures


def test_folders_hold_scripts_and_recordings_and_other_files_are_left_alone(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "answers.json").write_text(json.dumps(RECORDED))
    (tmp_path / "core.json").write_text("[]")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("10 passed, 0 failed\n")


def test_nothing_to_run_is_no_success(tmp_path: Path) -> None:
    assert main([]) == 2
    assert main([str(tmp_path)]) == 2


def test_a_script_that_is_not_understood_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.test").write_text("load 1m\n  x 1 2 three\n")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.endswith("0 passed, 1 failed\n")


@pytest.mark.parametrize(
    ("query", "result", "reason"),
    [
        ("info(x)", "", "refused: function info() is not supported"),
        ("x[1m] anchored", "", "refused: the `anchored` modifier is not supported"),
        ("h", "h {{count:1}}", "native histograms"),
        ("sum(h)", "{} 1", "native histograms"),
        ("sum(c)", "{} 1", "native histograms"),
    ],
)
def test_what_is_left_out_is_skipped_by_its_name(tmp_path: Path, query: str, result: str, reason: str) -> None:
    path = tmp_path / "small.test"
    data = 'load 1m\n  h {{count:1}}x3\n\nload_with_nhcb 1m\n  c_bucket{le="1"} 1\n  c_bucket{le="+Inf"} 1\n'
    path.write_text(f"{data}\neval instant at 0 {query}\n  {result}\n")
    report = run_script(path)
    assert (report.passed, report.failures, dict(report.skipped)) == (0, [], {reason: 1})


def test_a_case_of_the_core_may_not_be_skipped(tmp_path: Path) -> None:
    path = tmp_path / "small.test"
    path.write_text("# upstream line 7\neval instant at 0 info(x)\n  x 1\n")
    (tmp_path / "core.json").write_text('[["small.test", 7]]')
    assert len(run_script(path).failures) == 1


def test_a_mistake_of_the_parser_is_a_failure_and_no_refusal(tmp_path: Path) -> None:
    path = tmp_path / "small.test"
    path.write_text("eval instant at 0 x +\n  x 1\n")
    assert len(run_script(path).failures) == 1


def test_names_are_removed_at_the_end_unless_a_server_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "small.test"
    path.write_text('load 1m\n  x 1\n\neval instant at 0 label_join(-x, "was", "", "__name__")\n  {was="x"} -1\n')
    assert (main([str(path)]), main(["--server", str(path)])) == (0, 1)


def test_an_offset_of_the_step_is_not_asked_as_a_range_query(tmp_path: Path) -> None:
    path = tmp_path / "small.test"
    path.write_text("load 1m\n  x 0+1x9\n\neval instant at 5m x offset step()\n  x 5\n")
    assert run_script(path).passed == 1
