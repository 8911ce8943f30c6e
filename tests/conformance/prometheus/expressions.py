"""Random well-typed PromQL over the metrics of dataset.py.

A vector is *exact* if its values do not depend on the order or the way in which they are computed: samples, their sums
and counts. Only these go where the last bit decides: comparisons, rounding, counting of values, divisors, resets.

Left out, because Prometheus 2.42 differs from 3.x:
* a window whose edge falls exactly on a sample, which 2.42 includes: no offset or `@` leads there;
* rate() and increase() of what is no counter: https://github.com/prometheus/prometheus/pull/13725 (see dataset.py);
* the deviation of a single NaN or infinity, which is 0 there, and the calendar of NaN, which is what the machine makes
  of NaN as an integer: both get finite values only;
* the name of the metric under atan2, which it keeps there: only sums, which have none, get to atan2;
* what `@` pins under predict_linear() or a parameter that changes: there the window moves along with the steps, or
  the parameter stands still;
* timestamp() of a selector with both `@` and offset, which forgets the offset;
* a subquery without any step in its range, which evaluates what `@` pins there, after the end of the range;
* what came later: sort_by_label, mad_over_time, limitk, first_over_time, histogram_fraction of classic histograms,
  double_exponential_smoothing under its new name (the comparison translates it);
* regular expressions on values with line breaks, and names of labels beyond [a-zA-Z0-9_].

Left out, because the answer is not determined: which of several equal values topk() takes, and the difference of two
inexact values, where nothing but rounding errors may be left.
"""

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Texts = SearchStrategy[str]

LABELS: dict[str, tuple[str, ...]] = {
    "job": ("api", "db", "none"),
    "instance": ("a:1", "b:1", "c:1"),
    "path": ("/", "/cart", "/pay", ""),
    "code": ("200", "404", "500", ""),
    "sensor": ("cpu", "disk", "fan", ""),
    "part": ("a", "b", "c"),
    "kind": ("nan", "inf", "mixed", "zero", "mostly"),
    "version": ("1.0", "1.1"),
    "le": ("0.1", "1", "+Inf"),
}
METRICS: dict[str, tuple[str, ...]] = {
    "temperature": ("sensor",),
    "queue_length": ("path",),
    "balance": ("sensor",),
    "flapping": ("part",),
    "odd": ("kind",),
    "requests_total": ("path", "code"),
    "latency_seconds_bucket": ("path", "le"),
    "latency_seconds_count": ("path",),
    "build_info": ("version",),
    "deadline_seconds": ("path",),
    "up": (),
    "missing": (),
}
COUNTERS = ("requests_total", "latency_seconds_bucket", "latency_seconds_count")
FINITE = tuple(name for name in METRICS if name != "odd")
DISTINCT = ("temperature", "deadline_seconds")
"""Metrics whose series never have equal values."""
SHORT = ("20s", "1m", "90s", "2m", "5m")
LONG = ("5m", "11m", "30m")
SUBQUERY_RANGES = ("1m:15s", "90s:40s", "2m:", "5m:1m", "5m:40s", "5m:3m", "11m:", "11m:3m")
OFFSETS = ("1m", "5m", "-2m", "17m", "-1m30s")
PINS = ("1760003604.05", "1760001234.611", "1760004999.95", "start()", "end()")
REGEXES = {
    "job": (".+", "a.*", "api|db", "(api)", ""),
    "instance": ("a:1|b:1", "[ab]:1", ".*", "(?i)A:1", "b"),
    "path": ("/.*", "/(cart|pay)", "", "/?", "/c.rt"),
    "code": ("[45]..", "2..|404", "5", ".*0.*", "^200$"),
}
NUMBERS = ("1", "0", "2", "-3", "0.5", "4", "100", "-0.25", "1e3")
AWKWARD = ("NaN", "Inf", "-Inf", "1e-7", "0x1F", "-0")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def matchers(draw: DrawFn, metric: str) -> str:
    """Return `{...}` with matchers of every kind, or nothing."""
    found = []
    for name in draw(st.lists(st.sampled_from(("job", "instance", *METRICS[metric])), max_size=2)):
        op = draw(st.sampled_from(("=", "!=", "=~", "!~")))
        values = LABELS[name] if op in ("=", "!=") or name not in REGEXES else REGEXES[name]
        found.append(f"{name}{op}{_quoted(draw(st.sampled_from(values)))}")
    return "{" + ",".join(found) + "}" if found else ""


@st.composite
def series(draw: DrawFn, metrics: tuple[str, ...] = tuple(METRICS)) -> str:
    """Return a selector without offset and `@`."""
    metric = draw(st.sampled_from(metrics))
    found = draw(matchers(metric))
    if metrics is ALL and draw(st.integers(0, 14)) == 14:  # several metrics at once
        pattern = draw(st.sampled_from(("temperature|balance", "queue.*", "flapping|odd|up", "b.+")))
        return f'{{__name__=~"{pattern}"}}'
    return metric + found


ALL = tuple(METRICS)
GROUPED = ("job", "instance", "path", "code", "sensor", "le", "__name__")


OFFSET = st.sampled_from(OFFSETS).map(" offset {}".format)
PIN = st.sampled_from(PINS).map(" @ {}".format)
NOWHERE = st.just("")
UNPINNED = st.one_of(NOWHERE, OFFSET)
SHIFT = st.one_of(
    NOWHERE, NOWHERE, NOWHERE, OFFSET, PIN, st.builds("{}{}".format, PIN, OFFSET), st.builds("{}{}".format, OFFSET, PIN)
)


@st.composite
def selector(draw: DrawFn, metrics: tuple[str, ...] = ALL, shift: Texts = SHIFT) -> str:
    """Return an instant vector selector."""
    return draw(series(metrics)) + draw(shift)


@st.composite
def window(draw: DrawFn, metrics: tuple[str, ...] = ALL, shift: Texts = SHIFT) -> str:
    """Return a range vector selector."""
    return f"{draw(series(metrics))}[{draw(st.sampled_from(SHORT + LONG))}]{draw(shift)}"


SUBQUERY_OFFSETS = (" offset 500ms", " offset 4m500ms", " offset -500ms")
SUBQUERY_SHIFT = st.sampled_from((*SUBQUERY_OFFSETS, " @ 1760003604.05", " @ 1760003604.05 offset 30s"))


@st.composite
def subquery(draw: DrawFn, inner: Texts, shift: Texts = SUBQUERY_SHIFT) -> str:
    """Return a subquery.

    The steps of one around it are whole seconds, and so are its own: half a second keeps its edges off its samples.
    """
    return f"({draw(inner)})[{draw(st.sampled_from(SUBQUERY_RANGES))}]{draw(shift)}"


@cache
def ranges(depth: int, exact: bool = True) -> Texts:
    """Return range vectors of exact values, or of any."""
    if depth <= 0:
        return window()
    return st.one_of(window(), window(), subquery(vectors(depth - 1) if exact else any_vectors(depth - 1)))


@st.composite
def grouping(draw: DrawFn) -> str:
    """Return `by (...)`, `without (...)` or nothing."""
    word = draw(st.sampled_from(("", "by", "without")))
    names = draw(st.lists(st.sampled_from(GROUPED), max_size=2, unique=True))
    return f" {word} ({', '.join(names)}) " if word else " "


def literals() -> Texts:
    """Return numbers, seldom awkward ones."""
    return st.one_of(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), st.sampled_from(NUMBERS + AWKWARD))


@cache
def scalars(depth: int) -> Texts:
    """Return scalars that are exact."""
    if depth <= 0:
        return st.one_of(literals(), literals(), st.just("time()"))
    below, vector = scalars(depth - 1), vectors(depth - 1)
    compared = st.builds("{} {} bool {}".format, below, st.sampled_from(COMPARISONS), below)
    return st.one_of(
        literals(),
        st.just("time()"),
        st.builds("scalar({})".format, vector),
        st.builds("({} {} {})".format, below, st.sampled_from(("+", "-", "*", "/", "%")), below),
        compared.map("({})".format),
        below.map("-({})".format),
    )


COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
EXACT_AGGREGATIONS = ("sum", "min", "max", "count", "group")
_SUMMARIES = ("sum", "min", "max", "count", "last", "present")
EXACT_OVER_TIME = (*map("{}_over_time".format, _SUMMARIES), "changes", "resets", "idelta")
EXACT_FUNCTIONS = ("abs", "ceil", "floor", "sgn", "sort", "sort_desc", "round", "-")
CALENDAR = ("day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year")
CURVES = (
    *("sqrt", "exp", "ln", "log2", "log10", "deg", "rad", "sin", "cos", "atan", "acos", "asin"),
    *("asinh", "acosh", "atanh", "sinh", "cosh", "tanh"),
)


@st.composite
def matching(draw: DrawFn, grouped: bool) -> str:
    """Return `on (...)`, `ignoring (...)` or nothing, perhaps with `group_left (...)` or `group_right (...)`."""
    word = draw(st.sampled_from(("on", "ignoring", "")))
    names = draw(st.lists(st.sampled_from(GROUPED), max_size=3, unique=True))
    if not word:
        return ""
    text = f" {word} ({', '.join(names)})"
    side = draw(st.sampled_from(("", "group_left", "group_right"))) if grouped else ""
    if not side:
        return text
    free = [name for name in ("version", "sensor", "part", "code") if word == "ignoring" or name not in names]
    included = draw(st.lists(st.sampled_from(free), max_size=2, unique=True)) if free else []
    return f"{text} {side} ({', '.join(included)})"


def _pair(operators: tuple[str, ...], left: Texts, right: Texts, grouped: bool) -> Texts:
    return st.builds("({} {}{} {})".format, left, st.sampled_from(operators), matching(grouped), right)


@cache
def _joins(depth: int) -> Texts:
    """Return vectors matched with vectors: summed to few labels, so that many match, and as they come."""
    one, many = _summed(depth), vectors(depth)
    joined = st.builds(
        "({} {} on ({}) group_left ({}) {})".format,
        many,
        st.sampled_from(("+", "-", ">=", "== bool", "*", "<")),
        st.sampled_from(("job, instance", "instance, job, path", "job")),
        st.sampled_from(("", "version", "path", "part, kind")),
        st.one_of(st.just("build_info"), st.just("up"), _summed(depth)),
    )
    either = st.one_of(one, many)
    arithmetic = ("+", "-", *COMPARISONS, "> bool", "== bool")
    return st.one_of(
        _pair(arithmetic, one, one, grouped=True),
        _pair(("and", "or", "unless"), either, either, grouped=False),
        joined,
        _pair(arithmetic, many, many, grouped=True),
    )


@st.composite
def _summed(draw: DrawFn, depth: int) -> str:
    op = draw(st.sampled_from(EXACT_AGGREGATIONS))
    names = draw(st.lists(st.sampled_from(("job", "instance", "path", "code")), min_size=1, max_size=3, unique=True))
    return f"{op} by ({', '.join(names)}) ({draw(vectors(depth))})"


@st.composite
def _relabelled(draw: DrawFn, inner: Texts) -> str:
    vector = draw(inner)
    target = draw(st.sampled_from(("path", "new", "instance", "job", "__name__")))
    source = draw(st.sampled_from(("instance", "path", "code", "none", "__name__")))
    if draw(st.booleans()):
        other = draw(st.sampled_from(("job", "sensor", "none")))
        separator = draw(st.sampled_from(("", "-", ", ")))
        return f'label_join({vector}, "{target}", "{separator}", "{source}", "{other}")'
    template = draw(st.sampled_from(("$1", "", "x$1y", "${1}_$0", "$2", "$name", "plain", "$$")))
    pattern = draw(st.sampled_from(("(.*):(.*)", "(.*)", "/(?P<name>.+)", "", "[0-9]+", "(a)|(b).*")))
    return f'label_replace({vector}, "{target}", "{template}", "{source}", "{pattern}")'


@cache
def vectors(depth: int) -> Texts:
    """Return exact instant vectors."""
    if depth <= 0:
        return selector()
    below = st.deferred(lambda: vectors(depth - 1))
    number = scalars(depth - 1)
    aggregation = st.sampled_from(EXACT_AGGREGATIONS)
    compared = st.sampled_from((*COMPARISONS, "== bool", "< bool", ">= bool", "+", "-", "%", "*"))
    return st.one_of(
        selector(),
        st.builds("{}{}({})".format, aggregation, grouping(), below),
        st.builds("{}({})".format, st.sampled_from(EXACT_OVER_TIME), ranges(depth - 1)),
        st.builds("{}({})".format, st.sampled_from(EXACT_FUNCTIONS), below),
        st.builds("({} {} {})".format, below, compared, number),
        st.builds("({} {} {})".format, number, compared, below),
        _joins(depth - 1),
        st.builds("{}({})".format, st.sampled_from(CALENDAR), st.one_of(_finite(), st.just("vector(time())"))),
        st.builds("{}({})".format, st.sampled_from(CALENDAR), st.just("")),
        st.builds(
            "{}{}({}, {})".format, st.sampled_from(("topk", "bottomk")), grouping(), _limits(), selector(DISTINCT)
        ),
        st.builds("sum({}{}({}, {}))".format, st.sampled_from(("topk", "bottomk")), grouping(), _limits(), below),
        st.builds("topk{}(scalar(up), {})".format, grouping(), selector(DISTINCT, shift=UNPINNED)),
        st.builds('count_values{}("{}", {})'.format, grouping(), st.sampled_from(("v", "path", "job")), below),
        st.builds("vector({})".format, number),
        st.builds("absent({})".format, st.one_of(selector(("missing", "flapping", "up")), below)),
        st.builds("absent_over_time({})".format, st.one_of(window(("missing", "flapping", "up")), ranges(depth - 1))),
        st.builds("clamp({}, {}, {})".format, below, number, number),
        st.builds("{}({}, {})".format, st.sampled_from(("clamp_min", "clamp_max", "round")), below, number),
        _relabelled(below),
    )


def _finite() -> Texts:
    """Return vectors without NaN and infinities."""
    return st.one_of(selector(FINITE), st.builds("sum{}({})".format, grouping(), selector(FINITE)))


def _once_moved() -> Texts:
    return selector(shift=st.one_of(NOWHERE, OFFSET, PIN))


def _limits() -> Texts:
    return st.sampled_from(("1", "2", "5", "0", "-1", "2.9", "3"))


@cache
def _rates(depth: int) -> Texts:
    name = st.sampled_from(("rate", "increase", "irate"))
    change = st.sampled_from(("irate", "delta", "deriv", "irate"))
    return st.one_of(
        st.builds("{}({})".format, name, window(COUNTERS)),
        st.builds("{}({})".format, name, subquery(series(COUNTERS))),
        st.builds("{}({})".format, change, ranges(depth)),
        st.builds(
            "predict_linear({}, {})".format, _unpinned(depth), st.sampled_from(("60", "-600", "3600", "scalar(up)"))
        ),
        st.builds("double_exponential_smoothing({}, {}, {})".format, ranges(depth), _shares(), _shares()),
    )


@cache
def _unpinned(depth: int) -> Texts:
    plain = window(shift=UNPINNED)
    if depth <= 0:
        return plain
    return st.one_of(plain, subquery(vectors(depth - 1), st.sampled_from(SUBQUERY_OFFSETS)))


def _shares() -> Texts:
    return st.sampled_from(("0.37", "0.81", "0.53", "0.9"))


QUANTILES = ("0.37", "0.5", "0.99", "0", "1", "-1", "2", "NaN")


@cache
def _histograms(depth: int) -> Texts:
    share = st.sampled_from(("0.37", "0.913", "0.501", "-1", "2"))
    by = st.sampled_from(("(le)", "(le, path)", "(job, le)", "(instance, path)"))
    buckets = selector(("latency_seconds_bucket",))
    pace = window(("latency_seconds_bucket",))
    return st.one_of(
        st.builds("histogram_quantile({}, {})".format, share, buckets),
        st.builds("histogram_quantile({}, sum by {} (rate({})))".format, share, by, pace),
        st.builds("histogram_quantile({}, {})".format, share, vectors(depth)),
    )


@cache
def inexact_vectors(depth: int) -> Texts:
    """Return instant vectors that may differ in the last bits."""
    if depth <= 0:
        return _rates(0)
    exact, below = vectors(depth - 1), st.deferred(lambda: inexact_vectors(depth - 1))
    either = st.one_of(exact, below)
    return st.one_of(
        _rates(depth - 1),
        st.builds("{}{}({})".format, st.sampled_from(("avg", "sum", "min", "max")), grouping(), either),
        st.builds("{}{}({})".format, st.sampled_from(("stddev", "stdvar")), grouping(), _finite()),
        st.builds("quantile{}({}, {})".format, grouping(), st.sampled_from(QUANTILES), either),
        st.builds("{}_over_time({})".format, st.sampled_from(("avg", "stddev", "stdvar")), ranges(depth - 1)),
        st.builds("{}_over_time({})".format, st.sampled_from(("avg", "sum", "max")), ranges(depth - 1, exact=False)),
        st.builds("quantile_over_time({}, {})".format, st.sampled_from(QUANTILES), ranges(depth - 1)),
        st.builds("quantile_over_time(scalar(odd), {})".format, _unpinned(depth - 1)),
        st.builds("quantile{}(scalar(up), {})".format, grouping(), selector(shift=UNPINNED)),
        st.builds("{}({})".format, st.sampled_from(CURVES), exact),
        st.builds("({} {} {})".format, exact, st.sampled_from(("*", "/", "^")), scalars(depth - 1)),
        st.builds("({} {} {})".format, below, st.sampled_from(("*", "/")), st.sampled_from(NUMBERS)),
        _pair(("*", "/"), exact, exact, grouped=True),
        _pair(("*", "/"), below, _summed(depth - 1), grouped=True),
        _pair(("atan2",), _summed(depth - 1), _summed(depth - 1), grouped=False),
        _pair(("and", "or", "unless"), below, exact, grouped=False),
        st.builds(
            "timestamp({})".format, st.one_of(_once_moved(), _once_moved().map("({})".format), _summed(depth - 1))
        ),
        _histograms(depth - 1),
        _relabelled(below),
        st.builds("-({})".format, below),
    )


@cache
def any_vectors(depth: int) -> Texts:
    """Return instant vectors."""
    return st.one_of(vectors(depth), inexact_vectors(depth))


def expressions(depth: int = 3) -> Texts:
    """Return expressions of any type; those of a range or a text have an answer at one time only."""
    bare = ranges(depth - 1)
    return st.one_of(
        any_vectors(depth - 1), any_vectors(depth), any_vectors(depth), scalars(2), bare, st.just('"text"')
    )
