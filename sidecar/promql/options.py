"""The settings of one evaluation."""

from dataclasses import dataclass

from sidecar.promql.budget import Check, unchecked


@dataclass(frozen=True, slots=True)
class Options:
    """How an expression is evaluated; the defaults are those of a Prometheus server.

    `lookback_ms`: how old a sample may be and still be an instant selector's value.
    `default_step_ms`: step of a subquery that names none.
    `delayed_name_removal`: whether metric names go at the end of the evaluation and not at once, which lets
    `label_replace` and `by (__name__)` see them until then; Prometheus' feature flag of that name.
    `max_samples`: samples that all parts of the evaluation may hold at once; more is an execution error.
    `check`: may end the evaluation.
    """

    lookback_ms: int = 300_000
    default_step_ms: int = 60_000
    delayed_name_removal: bool = False
    max_samples: int = 20_000_000
    check: Check = unchecked
