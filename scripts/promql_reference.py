"""docs/reference/promql.md: what of PromQL the engine has, asked of the engine itself."""

from collections.abc import Iterable, Iterator

from sidecar.model.errors import QueryError
from sidecar.promql.aggregate import AGGREGATIONS
from sidecar.promql.functions.absent import ABSENT
from sidecar.promql.functions.calendar import CALENDAR
from sidecar.promql.functions.histogram import HISTOGRAM
from sidecar.promql.functions.math import MATH
from sidecar.promql.functions.over_time import OVER_TIME
from sidecar.promql.functions.rate import RATES
from sidecar.promql.functions.registry import FUNCTIONS
from sidecar.promql.functions.regression import REGRESSIONS
from sidecar.promql.functions.relabel import RELABEL
from sidecar.promql.guard import MAX_COST_MICROSECONDS, MAX_LENGTH, MAX_NESTING, MAX_OPERATORS
from sidecar.promql.operators import ARITHMETIC, COMPARISON, SETS
from sidecar.promql.parse import MAX_DEPTH, parse

FAMILIES = {
    "Counters and gauges over a range": RATES,
    "Values over a range": OVER_TIME,
    "Trends": REGRESSIONS,
    "Arithmetic and trigonometry": MATH,
    "Dates, in UTC": CALENDAR,
    "Classic histograms": HISTOGRAM,
    "Labels": RELABEL,
    "Absence": ABSENT,
}

NATIVE = "native histograms are left out; classic ones are as in Prometheus"
EXPERIMENTAL = "experimental: left out, as in a Prometheus server that is not told otherwise"
DURATIONS = "duration expressions are left out; Prometheus has them from 3.14 without being told"

REFUSED = {
    "histogram_avg(x)": NATIVE,
    "histogram_count(x)": NATIVE,
    "histogram_stddev(x)": NATIVE,
    "histogram_stdvar(x)": NATIVE,
    "histogram_sum(x)": NATIVE,
    'histogram_quantiles(x, "q", 0.5)': EXPERIMENTAL,
    "info(x)": EXPERIMENTAL,
    "mad_over_time(x[5m])": EXPERIMENTAL,
    "max_of(1, 2)": DURATIONS,
    "min_of(1, 2)": DURATIONS,
    'sort_by_label(x, "a")': EXPERIMENTAL,
    'sort_by_label_desc(x, "a")': EXPERIMENTAL,
    "start()": DURATIONS,
    "end()": DURATIONS,
    "range()": DURATIONS,
    "step()": DURATIONS,
    "start_timestamp(x)": "start timestamps are not stored",
    "ts_of_first_over_time(x[5m])": EXPERIMENTAL,
    "ts_of_last_over_time(x[5m])": EXPERIMENTAL,
    "ts_of_max_over_time(x[5m])": EXPERIMENTAL,
    "ts_of_min_over_time(x[5m])": EXPERIMENTAL,
    "holt_winters(x[5m], 0.5, 0.5)": "gone in Prometheus 3: `double_exponential_smoothing`",
    "limitk(1, x)": EXPERIMENTAL,
    "limit_ratio(0.5, x)": EXPERIMENTAL,
}
"""Calls that are refused, and why."""

SYNTAX = {
    "matchers": ('x{a="1",b!="2",c=~"3",d!~"4"}', ""),
    "names with any characters": ('{"a.b","c/d"="1"}', ""),
    "range": ("x[5m]", ""),
    "range in seconds": ("x[300]", ""),
    "subquery": ("x[1h:5m]", ""),
    "offset": ("x offset 5m", ""),
    "negative offset": ("x offset -5m", ""),
    "offset of the query's step": ("x offset step()", ""),
    "`@` a time": ("x @ 1700000000", ""),
    "`@` the edges of the query": ("x @ start() - x @ end()", ""),
    "`bool`": ("x > bool 1", ""),
    "matching": ("x * on (a) y - ignoring (b) z", ""),
    "many to one": ("x * on (a) group_left (b) y", ""),
    "one to many": ("x * on (a) group_right (b) y", ""),
    "grouping": ("sum by (a) (x) or sum without (b) (x)", ""),
    "durations as numbers": ("x > 5m", ""),
    "underscores in numbers": ("1_000_000", ""),
    "comments": ("x # text", ""),
    "`@` a time before 1970": ("x @ -1", "the sidecar holds no such samples, and the parser cannot read it"),
    "duration expressions": ("x[2 * 5m]", DURATIONS),
    "`anchored`": ("increase(x[5m] anchored)", EXPERIMENTAL),
    "`smoothed`": ("increase(x[5m] smoothed)", EXPERIMENTAL),
    "`fill`": ("x + fill (0) y", EXPERIMENTAL),
    "trimming of native histograms": ("x </ 1", NATIVE),
    "bytes beyond ASCII by `\\x`": ('x{a="\\xe9"}', "the parser takes the byte for a character; write the character"),
}
"""Syntax: an example and, where it is refused, why."""

INTRODUCTION = """# PromQL: what there is

Generated from the engine; do not edit. How answers differ from Prometheus' is in [PromQL](../promql.md).
"""


def promql_reference() -> str:
    """Return docs/reference/promql.md."""
    lines = [INTRODUCTION, "## Functions", "", "| family | functions |", "|---|---|"]
    lines += [f"| {family} | {_codes(names)} |" for family, names in _families().items()]
    lines += ["", "## Aggregations and operators", "", "| kind | |", "|---|---|"]
    lines += [
        f"| aggregations | {_codes(AGGREGATIONS)} |",
        f"| arithmetic | {_codes(ARITHMETIC)} |",
        f"| comparison | {_codes(COMPARISON)} |",
        f"| sets | {_codes(SETS)} |",
    ]
    lines += ["", "## Syntax", "", "| what | example | |", "|---|---|---|", *_syntax()]
    lines += [
        "",
        "## Refused functions and aggregations",
        "",
        "| example | answer | why |",
        "|---|---|---|",
        *_refused(),
    ]
    lines += ["", "## Limits of an expression", "", "| limit | |", "|---|---|"]
    lines += [
        f"| length | {MAX_LENGTH} bytes |",
        f"| brackets within brackets | {MAX_NESTING} |",
        f"| operators, signs and matchers | {MAX_OPERATORS} |",
        f"| depth of the tree | {MAX_DEPTH} |",
        f"| estimated time to compile regular expressions and to copy chains | {MAX_COST_MICROSECONDS // 1000} ms |",
    ]
    return "\n".join(lines) + "\n"


def answer_to(text: str) -> str:
    """Return what the engine says to the expression `text`: nothing, or why it refuses it."""
    try:
        parse(text)
    except QueryError as error:
        return str(error).split("parse error: ")[-1]
    return ""


def _families() -> dict[str, Iterable[str]]:
    others = set(FUNCTIONS) - {name for family in FAMILIES.values() for name in family}
    return {**FAMILIES, "Others": others}


def _syntax() -> Iterator[str]:
    for what, (example, why) in SYNTAX.items():
        answer = answer_to(example)
        yield f"| {what} | {_code(example)} | {f'no: {why}' if answer else 'yes'} |"


def _refused() -> Iterator[str]:
    for example, why in REFUSED.items():
        yield f"| {_code(example)} | {answer_to(example)} | {why} |"


def _codes(names: Iterable[str]) -> str:
    return " ".join(_code(name) for name in sorted(names))


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")
