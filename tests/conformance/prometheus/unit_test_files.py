"""Rules and unit tests as hypothesis makes them up, with the expectations that our own run finds true.

Promtool 2.42 is the judge and 3.x what we follow: where the two differ is avoided. Ranges and the lookback never end on
a sample (left-open since 3.0), nothing is extrapolated, sums are exact.
"""

from collections.abc import Sequence
from typing import Any

import yaml
from hypothesis import strategies as st
from typing_extensions import override

from sidecar.rules.load import load_rules
from sidecar.rules.unit_tests.document import read_unit_tests
from sidecar.rules.unit_tests.run import AlertsDiffer, Broken, SamplesDiffer, UnitTestRun
from sidecar.rules.unit_tests.texts import labels_text, number_text

RULES = "rules.yml"
NAMES = ("a", "b", "c")
_LABELS = ("", '{x="1"}', '{x="2"}', '{x="1",y="z"}')
_ITEMS = ("1", "0", "3.5", "-2", "_", "_x2", "stale", "1+1x3", "5-2x4", "2x3", "1e3", ".5", "+4", "_x0")
_TEMPLATES = (
    *("", "text", "{{ $value }}", "{{ $labels.x }}", "{{ .Labels.nope }}", "{{ humanize $value }}", "{{ $bad"),
    "{{ $externalLabels.region }} {{ $externalURL }}",
    '{{ with query "a" }}{{ . | first | value }}{{ end }}',
)
_DURATIONS = ("0s", "1m", "2m30s", "3m")

_selectors = st.builds("{}{}".format, st.sampled_from((*NAMES, "ALERTS", "r1")), st.sampled_from(_LABELS))
_exprs = st.one_of(
    _selectors,
    st.builds("{} {} {}".format, _selectors, st.sampled_from((">", "==", "<=")), st.integers(-2, 4)),
    st.builds(
        "{}({})".format,
        st.sampled_from(("sum", "count", "max", "sum by (x) ", "absent", "count without (y) ")),
        _selectors,
    ),
    st.builds(
        "{}({}[145s])".format,
        st.sampled_from(("count_over_time", "max_over_time", "last_over_time", "changes", "present_over_time")),
        _selectors,
    ),
    st.builds("{} {} {}".format, _selectors, st.sampled_from(("or", "unless", "and on (x)")), _selectors),
    st.builds("max_over_time(({} > 0)[145s:])".format, _selectors),
    st.sampled_from(("vector(1)", "time()", "1", "time() > bool 120", "a[5m]", '"text"', "sum(")),
)
_texts = st.sampled_from(_TEMPLATES)
_alerts = st.fixed_dictionaries(
    {"alert": st.sampled_from(("A", "B")), "expr": _exprs},
    optional={
        "for": st.sampled_from(_DURATIONS),
        "labels": st.dictionaries(st.sampled_from(("x", "severity")), _texts, max_size=2),
        "annotations": st.dictionaries(st.sampled_from(("summary", "more")), _texts, max_size=2),
        "keep_firing_for": st.sampled_from(_DURATIONS),
    },
)
_records = st.fixed_dictionaries(
    {"record": st.sampled_from(("r1", "r2", "a")), "expr": _exprs},
    optional={"labels": st.dictionaries(st.sampled_from(("x", "severity")), st.sampled_from(("", "v")), max_size=2)},
)
_groups = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(("g1", "g2")),
            "rules": st.lists(st.one_of(_alerts, _records), min_size=1, max_size=3),
        },
        optional={"limit": st.integers(0, 2), "interval": st.sampled_from(("30s", "2m"))},
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda group: str(group["name"]),
)
_series = st.fixed_dictionaries(
    {
        "series": st.builds("{}{}".format, st.sampled_from(NAMES), st.sampled_from(_LABELS)),
        "values": st.lists(st.sampled_from(_ITEMS), max_size=5).map(" ".join),
    }
)
_times = st.sampled_from(("0", "1m", "90s", "4m", "7m"))
_checks = st.fixed_dictionaries(
    {
        "interval": st.sampled_from(("70s", "35s")),
        "input_series": st.lists(_series, max_size=4),
        "alert_rule_test": st.lists(
            st.fixed_dictionaries({"eval_time": _times, "alertname": st.sampled_from(("A", "B"))}), max_size=4
        ),
        "promql_expr_test": st.lists(st.fixed_dictionaries({"eval_time": _times, "expr": _exprs}), max_size=3),
    },
    optional={
        "name": st.sampled_from(("first", "second")),
        "external_labels": st.just({"region": "eu"}),
        "external_url": st.just("http://example.org/x"),
    },
)
_files = st.fixed_dictionaries(
    {"rule_files": st.just([RULES]), "tests": st.lists(_checks, min_size=1, max_size=2)},
    optional={
        "evaluation_interval": st.sampled_from(("1m", "30s", "2m")),
        "group_eval_order": st.sampled_from((["g2", "g1"], ["g1", "g2"])),
    },
)
rules_and_tests = st.tuples(_groups, _files)


def as_found(groups: Sequence[Any], file: Any) -> tuple[str, str, bool]:
    """Return the rules, the unit tests with what our run gave as their expectations, and whether they can pass.

    They cannot where a rule or an expression fails.
    """
    rules, can_pass = yaml.safe_dump({"groups": groups}), True
    loaded = load_rules([(RULES, rules)], 60_000)
    parsed = read_unit_tests("test.yml", yaml.safe_dump(file))
    for test, raw in zip(parsed.tests, file["tests"], strict=True):
        for failure in UnitTestRun(parsed, test, loaded).failures():
            match failure:
                case Broken():
                    can_pass = False
                case AlertsDiffer(check, _, got):
                    raw["alert_rule_test"][_index(test.alert_checks, check)]["exp_alerts"] = [
                        {
                            "exp_labels": {name: text for name, text in alert.labels if name != "alertname"},
                            "exp_annotations": dict(alert.annotations),
                        }
                        for alert in got
                    ]
                case SamplesDiffer(check, _, samples):
                    raw["promql_expr_test"][_index(test.expr_checks, check)]["exp_samples"] = [
                        {"labels": labels_text(labels), "value": Number(number_text(value))}
                        for labels, value in samples
                    ]
    return rules, yaml.dump(file, Dumper=_Dumper), can_pass


def _index(checks: Sequence[Any], check: Any) -> int:
    return next(index for index, other in enumerate(checks) if other is check)


class Number(str):
    """A number as it is to be written."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes each thing once, and numbers as they are."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


_Dumper.add_representer(Number, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:float", str(number)))
