"""All groups: found again, bounded, kept over a restart."""

import gc
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from sidecar.fingerprint.stack import ErrorText, Where, where_thrown
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.error_groups import store as error_groups
from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.error_groups.group import State
from sidecar.spans.error_groups.store import ErrorGroups, Occurrence, Record
from tests.unit.fingerprint.corpus import LANGUAGES, raised, recorded

REDACTOR = Redactor(RedactConfig())
STACK = 'Traceback (most recent call last):\n  File "/a/shop/x.py", line 3, in %s\n    f()\nKeyError: %s\n'


def store(**settings: Any) -> ErrorGroups:
    return ErrorGroups(ErrorGroupsConfig(**settings), REDACTOR)


def occurrence(message: str = "'x'", function: str = "", **more: Any) -> Occurrence:
    stack = STACK % (function, message) if function else ""
    values = {
        "service": "shop",
        "release": "1",
        "explicit": "",
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "time": 1.0,
    }
    return Occurrence(error=ErrorText("KeyError", message, stack, "python"), **{**values, **more})


def changes(subject: ErrorGroups) -> list[tuple[str, bytes | None]]:
    return subject.next_changes(subject.changed)


def records(subject: ErrorGroups) -> list[Record]:
    return [(key, record) for key, record in changes(subject) if record is not None]


def counts(subject: ErrorGroups, now: float) -> dict[str, float]:
    samples = [sample for item in subject.samples(now) for sample in item.samples]
    return {dict(sample.labels).get("state", sample.name): sample.value for sample in samples}


CHAINS = {
    "python": (
        'Traceback (most recent call last):\n  File "/a/shop/db.py", line 9, in get\n    raise E\nKeyError: {0}\n\n'
        "The above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "/a/shop/x.py", line 3, in f\n    f()\nLookupError: gone\n'
    ),
    "java": (
        "com.shop.LookupError: gone\n\tat com.shop.Cart.get(Cart.java:3)\n"
        "Caused by: com.shop.KeyError: {0}\n\tat com.shop.Db.get(Db.java:9)\n"
    ),
    "nodejs": (
        "LookupError: gone\n    at get (/a/shop/x.js:3:1) {{\n"
        "  [cause]: KeyError: {0}\n      at get (/a/shop/db.js:9:1)\n}}"
    ),
}


@pytest.mark.parametrize("language", CHAINS)
def test_a_chain_whose_cause_says_something_else_each_time_is_read_once(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def where(stack: str, language: str) -> Where:
        read.append(stack)
        return where_thrown(stack, language)

    monkeypatch.setattr(error_groups, "where_thrown", where)
    subject = store()
    for number in range(20):
        error = ErrorText("LookupError", "gone", CHAINS[language].format(f"no key {number}"), language)
        subject.add(occurrence()._replace(error=error), 1.0)
    assert [group.count for group in subject.newest()] == [20]
    assert len(read) == 1


def test_the_same_error_is_one_group_and_tells_where_it_happened() -> None:
    subject = store()
    ids = {subject.add(occurrence(f"'SKU-{number}'", "f", time=float(number)), float(number)) for number in range(20)}
    (group,) = subject.newest()
    assert ids == {group.id}
    assert (group.count, group.first_seen, group.last_seen) == (20, 0.0, 19.0)
    assert (group.service, group.type, group.frames) == ("shop", "KeyError", ["shop/x.py f"])
    assert group.examples[0].trace_id == (b"t" * 16).hex()
    assert "shop/x.py" in group.stack


def test_groups_come_with_that_seen_last_first() -> None:
    subject = store()
    for name in "abca":
        subject.add(occurrence(function=name), 1.0)
    assert [group.frames for group in subject.newest()] == [["shop/x.py a"], ["shop/x.py c"], ["shop/x.py b"]]


def test_what_is_kept_is_masked() -> None:
    subject = store()
    message = "no user c4nary@example.com in SELECT * FROM t WHERE a = 'c4nary' with Bearer c4nary-token"
    subject.add(occurrence(message, "f"), 1.0)
    assert "c4nary" not in repr(changes(subject))


def test_states_are_counted() -> None:
    subject = store(new_for_seconds=100)
    _, resolved, ignored, regressed = (subject.add(occurrence(function=name), 50.0) for name in "abcd")
    subject.add(occurrence(function="e"), 0.0)
    assert subject.resolve(resolved, 60.0)
    assert subject.resolve(regressed, 60.0)
    assert subject.ignore(ignored, 60.0)
    subject.add(occurrence(function="d", time=70.0), 70.0)
    assert counts(subject, 110.0) == {
        "new": 1,
        "ongoing": 1,
        "regressed": 1,
        "resolved": 1,
        "ignored": 1,
        "sidecar_error_groups_new_total": 5,
        "sidecar_error_groups_evicted_total": 0,
    }
    assert subject.reopen(ignored, 110.0)
    assert counts(subject, 110.0)["ignored"] == 0
    assert not any(act("none", 1.0) for act in (subject.resolve, subject.ignore, subject.reopen))


def test_the_group_not_seen_for_the_longest_time_makes_room() -> None:
    subject = store(max_groups=2)
    for name in "abac":
        subject.add(occurrence(function=name), 1.0)
    assert [group.frames for group in subject.newest()] == [["shop/x.py c"], ["shop/x.py a"]]
    assert counts(subject, 1.0)["sidecar_error_groups_evicted_total"] == 1
    subject.configure(ErrorGroupsConfig(max_groups=1))
    assert len([*subject.newest()]) == 1


def test_ten_thousand_distinct_messages_stay_bounded() -> None:
    subject = store(max_groups=100)
    words = ("alpha", "beta", "gamma", "delta", "eps", "zeta", "eta", "theta", "iota", "kappa")

    def message(number: int) -> str:
        return " ".join(words[int(digit)] for digit in f"{number:05d}")

    for number in range(7_000):
        subject.add(occurrence(message(number), time=float(number)), float(number))
    tracemalloc.start()
    for number in range(7_000, 10_000):
        subject.add(occurrence(message(number), time=float(number)), float(number))
    gc.collect()  # what only waits for the collector is not held
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len([*subject.newest()]) == 100
    assert grown < 1_000_000
    found = counts(subject, 1e5)
    assert found["sidecar_error_groups_new_total"] == 10_000
    assert found["sidecar_error_groups_evicted_total"] == 9_900


def test_ten_thousand_messages_that_differ_in_values_are_one_group() -> None:
    subject = store()
    for number in range(10_000):
        subject.add(occurrence(f"order {number} is missing"), 1.0)
    (group,) = subject.newest()
    assert group.count == 10_000


def test_a_corpus_of_errors_from_all_languages_comes_to_a_group_for_each_bug(tmp_path: Path) -> None:
    cases = [*raised(tmp_path), *(case for language in LANGUAGES for case in recorded(language))]
    subject = store()
    groups = defaultdict(set)
    for case in 3 * cases:
        groups[case.bug, case.error.language].add(
            subject.add(Occurrence("shop", "1", case.error, "", b"", b"", 1.0), 1.0)
        )
    assert [bug for bug, ids in groups.items() if len(ids) > 1] == []
    assert len([*subject.newest()]) == len(groups) > 50
    assert sum(group.count for group in subject.newest()) == 3 * len(cases)


def test_what_changed_is_handed_out_once_and_what_is_gone_as_none() -> None:
    subject = store(max_groups=2)
    first, second = (subject.add(occurrence(function=name), 1.0) for name in "ab")
    assert [key for key, _ in changes(subject)] == [first, second]
    assert changes(subject) == []
    subject.resolve(second, 2.0)
    third = subject.add(occurrence(function="c"), 3.0)
    assert subject.changed == 3
    (one,) = subject.next_changes(1)
    assert one[0] == second
    assert {key: record is not None for key, record in changes(subject)} == {first: False, third: True}


def test_a_group_that_was_never_handed_out_is_not_reported_gone() -> None:
    subject = store(max_groups=1)
    for number in range(1000):
        subject.add(occurrence(function=f"f{number}"), 1.0)
    assert len(changes(subject)) == 1


def test_groups_survive_a_restart() -> None:
    before, after = store(), store()
    old, marked = (before.add(occurrence(function=name), 1.0) for name in "ab")
    before.resolve(marked, 2.0)
    fresh = after.add(occurrence(function="c"), 3.0)
    after.add(occurrence(function="b", time=3.0), 3.0)
    assert after.restore([*records(before), ("bad", b"{"), ("worse", b'{"id": 1}')]) == 2
    groups = {group.id: group for group in after.newest()}
    assert groups.keys() == {old, marked, fresh}
    assert groups[old] == before.get(old)
    assert groups[marked].count == 2
    assert after.state_of(groups[marked], 3.0) is State.REGRESSED
    assert [group.id for group in after.newest()][-1] == old
    assert counts(after, 3.0)["sidecar_error_groups_new_total"] == 2
    assert {key for key, record in changes(after) if record is None} == {"bad", "worse"}


def test_more_than_the_limit_is_not_restored() -> None:
    before, after = store(), store(max_groups=3)
    for number in range(10):
        before.add(occurrence(function=f"f{number}"), float(number))
    after.restore(records(before))
    assert [group.last_seen for group in after.newest()] == [9.0, 8.0, 7.0]
