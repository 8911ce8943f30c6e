"""The comparison can fail: every way in which a page may differ is seen, and explained by what fits it alone."""

from tests.conformance.exporters.compare import Detail, Difference, Kind, compare
from tests.conformance.exporters.reviewed import Explanation, review

THEIRS = """\
# TYPE a_total counter
a_total 5
# TYPE b gauge
b{x="1",server="s"} 2
b{x="2",server="s"} 3
# TYPE c gauge
c{x="1"} 4
# TYPE d_seconds gauge
d_seconds 0.0004
# TYPE e_timestamp gauge
e_timestamp 1700000000
# TYPE f counter
f 7
"""


def kinds(ours: str, theirs: str = THEIRS) -> set[tuple[str, str]]:
    return {(found.family, found.kind) for found in compare(theirs, ours, theirs)}


def test_the_same_page_has_no_difference() -> None:
    assert kinds(THEIRS) == set()


def test_each_kind_of_difference_is_seen() -> None:
    assert kinds(THEIRS.replace("# TYPE c gauge\nc{", "# TYPE z gauge\nz{")) == {("c", Kind.MISSING)}
    assert kinds(THEIRS.replace("# TYPE f counter", "# TYPE f gauge")) == {("f", Kind.TYPE)}
    assert kinds(THEIRS.replace(',server="s"', "")) == {("b", Kind.LABELS)}
    assert kinds(THEIRS.replace('b{x="2",server="s"} 3\n', "")) == {("b", Kind.SERIES)}
    assert kinds(THEIRS.replace('c{x="1"} 4', 'c{x="1"} 4\nc{x="3"} 1')) == {("c", Kind.SERIES)}
    assert kinds(THEIRS.replace("a_total 5", "a_total 6")) == {("a_total", Kind.VALUE)}


def test_wrong_units_and_days_are_seen() -> None:
    assert kinds(THEIRS.replace("0.0004", "0.0000004")) == {("d_seconds", Kind.VALUE)}
    assert kinds(THEIRS.replace("1700000000", "1699913600")) == {("e_timestamp", Kind.VALUE)}


def test_ours_may_lie_between_their_two_scrapes_and_as_far_again() -> None:
    before, after = THEIRS, THEIRS.replace("a_total 5", "a_total 9")
    for value, seen in ((4, False), (7, False), (13, False), (14, True), (0, True)):
        ours = THEIRS.replace("a_total 5", f"a_total {value}")
        assert bool(list(compare(before, ours, after))) is seen, value


def test_an_explanation_covers_what_it_says_and_no_more() -> None:
    value = Difference("a", Kind.VALUE, (Detail('a{x="1"} is 1', 3.0),))
    series = Difference("a", Kind.SERIES, (Detail('only there: a{x="1"}'), Detail('only there: a{x="2"}')))
    for explanation, explained in (
        (Explanation("a", ("value",), "why"), [value]),
        (Explanation("a*", ("value",), "why", within=2), []),
        (Explanation("b", ("value", "series"), "why"), []),
        (Explanation("a", ("series",), "why", only='x="1"'), []),
        (Explanation("a", ("series",), "why", only="x="), [series]),
    ):
        outcome = review([value, series], [explanation])
        assert [difference for difference, _ in outcome.explained] == explained


def test_an_explanation_that_nothing_needs_is_told_unless_it_is_about_drift() -> None:
    stale, drift = Explanation("a", ("missing",), "why"), Explanation("a", ("value",), "why")
    assert review([], [stale, drift]).unneeded == [stale]
