"""What a failed unit test says: promtool's words, and before them the place of the check."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import TypeAlias

from sidecar.model.duration import format_duration
from sidecar.model.labels import Labels
from sidecar.promql.format import quote
from sidecar.rules.unit_tests.document import ExpectedAlert, UnitTest
from sidecar.rules.unit_tests.run import AlertsDiffer, Broken, Failure, GotSample, SamplesDiffer

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str"
Paint: TypeAlias = Callable[[str, str], str]
"""Returns a text in a colour of click's names."""

_INDENT = " " * 12
_GONE = object()


def failure_text(file: str, test: UnitTest, failure: Failure, paint: Paint | None = None) -> str:
    """Return what is wrong; with `paint` as the differences between the two sides instead of both."""
    place = failure.place if isinstance(failure, Broken) else failure.check.place
    head = f"    {file}:{place.line}:{place.column}, name: {test.title},\n"
    match failure:
        case Broken(message=message):
            return f"{head}    {message}"
        case SamplesDiffer(check, expected, got):
            at = format_duration(check.time_ms)
            sides = f"        exp: {samples_text(expected)}\n        got: {samples_text(got)}"
            return f"{head}    expr: {quote(check.expr)}, time: {at},\n{sides}"
        case AlertsDiffer(check, expected, got):
            head += f"    alertname: {check.alert_name}, time: {format_duration(check.time_ms)}, \n"
            if paint is not None:
                return f"{head}        diff: {_indented(_difference(expected, got, paint))}"
            sides = f"        exp:{_indented(alerts_text(expected))}, \n        got:{_indented(alerts_text(got))}"
            return head + sides


def alerts_text(alerts: Sequence[ExpectedAlert]) -> str:
    """Return the alerts in the lines of promtool."""
    if not alerts:
        return "[]"
    items = (
        f"{index}:\n  Labels:{labels_text(alert.labels)}\n  Annotations:{labels_text(alert.annotations)}"
        for index, alert in enumerate(alerts)
    )
    return "[\n" + ",\n".join(items) + "\n]"


def samples_text(samples: Sequence[GotSample]) -> str:
    """Return the samples in the words of promtool."""
    return ", ".join(f"{labels_text(labels)} {number_text(value)}" for labels, value in samples) or "nil"


def labels_text(labels: Labels) -> str:
    """Return labels as Prometheus prints them, the name of the metric among them."""
    return f"{{{', '.join(f'{name}={quote(value)}' for name, value in labels)}}}"


def number_text(value: float) -> str:
    """Return the shortest text that reads back as `value`, always with an exponent: Go's 'E' format."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{mantissa}E{exponent[0]}{exponent[1:]:0>2}"


def _indented(text: str) -> str:
    return text.replace("\n", f"\n{_INDENT}")


def _difference(expected: Sequence[ExpectedAlert], got: Sequence[ExpectedAlert], paint: Paint) -> str:
    return "\n".join(_Differences(paint).lines(_json(expected), _json(got)))


def _json(alerts: Sequence[ExpectedAlert]) -> Json:
    return [{"Labels": dict(alert.labels), "Annotations": dict(alert.annotations)} for alert in alerts]


class _Differences:
    """Both sides as one JSON text.

    What is expected and not there is red after `-`, what is there beyond is green after `+`, and what differs is
    yellow, both sides of `=>`.
    """

    def __init__(self, paint: Paint) -> None:
        self._paint = paint

    def lines(self, expected: Json, got: Json) -> Iterator[str]:
        """Yield the lines of one value that both sides have."""
        if isinstance(expected, Mapping) and isinstance(got, Mapping):
            keys = sorted(expected.keys() | got.keys())
            pairs = [(f"{json.dumps(key)}: ", expected.get(key, _GONE), got.get(key, _GONE)) for key in keys]
            yield from self._nested("{}", pairs)
        elif isinstance(expected, list) and isinstance(got, list):
            yield from self._nested("[]", [("", a, b) for a, b in zip_longest(expected, got, fillvalue=_GONE)])
        elif expected == got:
            yield json.dumps(expected, ensure_ascii=False)
        else:
            sides = (json.dumps(side, ensure_ascii=False) for side in (expected, got))
            yield self._paint(" => ".join(sides), "yellow")

    def _nested(self, brackets: str, items: Sequence[tuple[str, object, object]]) -> Iterator[str]:
        yield brackets[0]
        for index, (key, expected, got) in enumerate(items):
            *lines, last = self._item(key, expected, got)
            comma = "," if index < len(items) - 1 else ""
            yield from (f"    {line}" for line in (*lines, last + comma))
        yield brackets[1]

    def _item(self, key: str, expected: object, got: object) -> Iterator[str]:
        if expected is _GONE or got is _GONE:
            there, sign, colour = (got, "+", "green") if expected is _GONE else (expected, "-", "red")
            text = json.dumps(there, ensure_ascii=False, indent=4, sort_keys=True)
            yield from (self._paint(f"{sign} {line}", colour) for line in f"{key}{text}".split("\n"))
            return
        first, *rest = self.lines(expected, got)  # type: ignore[arg-type] # neither is _GONE
        yield from (f"{key}{first}", *rest)
