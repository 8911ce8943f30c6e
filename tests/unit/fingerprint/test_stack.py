"""The same bug is one group, different bugs are different groups."""

import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.stack import ErrorText, grouping_of
from tests.unit.fingerprint.corpus import LANGUAGES, TOLD_ONLY, Case, raised, recorded


def groups_by_bug(cases: list[Case]) -> dict[str, set[str]]:
    groups = defaultdict(set)
    for bug, error in cases:
        groups[bug].add(grouping_of("shop", error).fingerprint)
    return groups


def assert_grouped_by_bug(cases: list[Case]) -> None:
    groups = groups_by_bug(cases)
    split = {bug: found for bug, found in groups.items() if len(found) > 1}
    assert not split
    merged = [bug for bug, (found,) in groups.items() if sum(found in other for other in groups.values()) > 1]
    assert not merged


@pytest.mark.parametrize("recording", LANGUAGES)
def test_recorded_errors_are_grouped_by_their_bug(recording: str) -> None:
    cases = recorded(recording)
    assert len(cases) >= 2 * len({case.bug for case in cases})
    assert_grouped_by_bug(cases)


def test_errors_raised_here_are_grouped_by_their_bug(tmp_path: Path) -> None:
    assert_grouped_by_bug(raised(tmp_path))


def test_the_corpus_is_large_enough_to_mean_something(tmp_path: Path) -> None:
    cases = [*raised(tmp_path), *(case for recording in LANGUAGES for case in recorded(recording))]
    assert len(cases) > 100
    assert len({(case.bug, case.error.language) for case in cases}) > 50


@pytest.mark.parametrize("recording", sorted(LANGUAGES.keys() - TOLD_ONLY))
def test_a_language_that_is_not_told_is_found_out(recording: str) -> None:
    for _, error in recorded(recording):
        assert grouping_of("shop", error._replace(language="")) == grouping_of("shop", error)


def test_what_decided_is_told_the_innermost_first(tmp_path: Path) -> None:
    (error, _) = [error for bug, error in raised(tmp_path) if bug == "wrapped_charge"]
    frames = grouping_of("shop", error).frames
    assert [(frame.place, frame.function) for frame in frames[:2]] == [
        ("orders/remote.py", "wrapped"),
        ("app/main.py", "<lambda>"),
    ]


def trace(*functions: str, kind: str = "KeyError", file: str = "/srv/app/shop/orders.py") -> str:
    calls = "".join(f'  File "{file}", line {len(name)}, in {name}\n    code()\n' for name in functions)
    return f"Traceback (most recent call last):\n{calls}{kind}: 'SKU-1'\n"


def fingerprint(stack: str = "", message: str = "m", kind: str = "KeyError", **more: str) -> str:
    explicit, service = more.pop("explicit", ""), more.pop("service", "shop")
    return grouping_of(service, ErrorText(kind, message, stack, "python", **more), explicit).fingerprint


def test_services_and_types_are_told_apart() -> None:
    stack = trace("f")
    assert len({fingerprint(stack), fingerprint(stack, service="other"), fingerprint(stack, kind="ValueError")}) == 3


def test_the_name_of_a_type_counts_without_its_module_as_logs_have_it() -> None:
    assert fingerprint(trace("f"), kind="shop.errors.KeyError") == fingerprint(trace("f"), kind="KeyError")


def test_only_the_three_innermost_calls_of_the_app_count() -> None:
    library = '  File "/usr/lib/python3.11/json/decoder.py", line 3, in decode\n    x\nKeyError: 1\n'
    stack = trace("a", "b", "c", "d")
    assert fingerprint(stack) == fingerprint(trace("z", "b", "c", "d"))
    assert fingerprint(stack) != fingerprint(trace("a", "z", "c", "d"))
    assert fingerprint(stack) == fingerprint(stack.replace("KeyError: 'SKU-1'\n", library))


def test_the_message_counts_only_without_calls_of_the_app() -> None:
    own, installed = trace("f"), trace("f", file="/venv/lib/python3.11/site-packages/x/y.py")
    assert fingerprint(own, message="a") == fingerprint(own, message="b")
    assert fingerprint(installed, message="a") != fingerprint(installed, message="b")
    assert fingerprint(installed, message="order 1") == fingerprint(installed, message="order 2")


def test_an_error_without_a_stack_trace_is_its_type_and_message_and_place() -> None:
    assert fingerprint(message="order 1 of bob@example.com") == fingerprint(message="order 22 of eve@example.org")
    assert len({fingerprint(message=text) for text in ("order 1", "basket 1")}) == 2
    assert fingerprint(place="GET /a/1") == fingerprint(place="GET /a/2") != fingerprint(place="GET /b/1")


def test_a_fingerprint_of_the_app_itself_decides_alone() -> None:
    assert fingerprint(trace("f"), explicit="mine") == fingerprint(trace("g"), explicit="mine", kind="Other")
    assert fingerprint(explicit="mine") != fingerprint(explicit="mine", service="other")


def test_where_a_circle_of_calls_was_cut_does_not_matter() -> None:
    circles = [trace(*circle, kind="RecursionError") for circle in (["a", "b"] * 5, ["b", "a"] * 5)]
    assert len({fingerprint(stack, kind="RecursionError") for stack in circles}) == 1
    assert len({fingerprint(trace(*circle)) for circle in (["a", "b"] * 5, ["b", "a"] * 5)}) == 2


def test_of_a_long_chain_the_first_and_the_last_count() -> None:
    between = "\nThe above exception was the direct cause of the following exception:\n\n"

    def chain(*names: str) -> str:
        return between.join(trace(name) for name in reversed(names))

    assert fingerprint(chain(*"abcdef")) == fingerprint(chain(*"abxyef"))
    assert fingerprint(chain(*"abcdef")) != fingerprint(chain(*"abcdex"))
    assert fingerprint(chain(*"abb")) == fingerprint(chain(*"abbbbb"))


def test_of_a_very_long_stack_trace_both_ends_count() -> None:
    filler = [f"f{number}" for number in range(2000)]
    assert fingerprint(trace(*filler, "x")) != fingerprint(trace(*filler, "y"))
    assert fingerprint(trace(*filler, "a", "b", "c")) == fingerprint(trace(*filler[1:], "a", "b", "c"))


LINES = (
    "Traceback (most recent call last):",
    '  File "/a/b.py", line 1, in f',
    "E: 1",
    "  | E: x",
    "    at f (/a.js:1:1)",
)
MORE_LINES = ("\tat a.b.C.d(C.java:1)", "Caused by: a.B: x", " ---> A.B: x", "main.f(0x1)", "\t/a/b.go:1 +0x1", "")


@given(st.lists(st.sampled_from((*LINES, *MORE_LINES)) | st.text(max_size=20), max_size=20).map("\n".join))
def test_any_text_has_a_group_in_every_language(stack: str) -> None:
    for language in (*LANGUAGES.values(), "python", "cobol", ""):
        found = grouping_of("shop", ErrorText("E", "m", stack, language))
        assert len(found.fingerprint) == 16
        assert len(found.frames) <= 3


SECRET = "login of {}@example.com failed, password={}"


@pytest.mark.parametrize("language", ["php", "ruby", "elixir", "cobol", ""])
def test_text_behind_a_message_is_no_call_whatever_the_language(language: str) -> None:
    text = SECRET.format("bob", "hunter2")
    stack = f"RuntimeException: {text}\n\tat App.Cart.handle(Cart.php:12)\n\t{text}:12\n"
    found = grouping_of("shop", ErrorText("RuntimeException", "", stack, language))
    assert "bob" not in repr(found.frames)
    assert [frame.place for frame in found.frames] == (["Cart.php"] if language == "php" else [])


@pytest.mark.parametrize("name", ["php", "ruby", "elixir"])
def test_the_message_and_the_line_do_not_matter_where_calls_are_known(name: str) -> None:
    bug, error = recorded(name)[0]
    other = next(case.error for case in recorded(name)[1:] if case.bug == bug)
    assert error.message != other.message
    assert grouping_of("shop", error) == grouping_of("shop", other)


def test_a_language_without_a_parser_has_no_calls_even_if_the_text_looks_like_another() -> None:
    stack = trace("f")
    assert grouping_of("shop", ErrorText("E", "m", stack, "fortran")).frames == ()
    assert grouping_of("shop", ErrorText("E", "m", stack, "go")).frames == ()
    assert grouping_of("shop", ErrorText("E", "m", stack, " Python ")).frames != ()


def test_an_unknown_language_is_read_only_if_all_of_the_text_is_a_stack_trace() -> None:
    stack = "E: x\n\tat a.b.C.d(C.java:1)\n"
    assert grouping_of("shop", ErrorText("E", "m", stack)).frames != ()
    assert grouping_of("shop", ErrorText("E", "m", f"{stack}and more text\n")).frames == ()


def test_calls_that_are_in_a_message_are_no_calls() -> None:
    message = "x\n    at bob (/srv/hunter2.js:1:1)"
    stack = f"Error: {message}\n    at f (/srv/shop/a.js:1:1)\n"
    frames = grouping_of("shop", ErrorText("Error", message, stack, "nodejs")).frames
    assert [frame.function for frame in frames] == ["f"]


@pytest.mark.parametrize(
    ("language", "message", "stack"),
    [
        ("go", "x\nmain.bob()\n\t/srv/hunter2.go:3 +0x1", "{}\nmain.f()\n\t/srv/shop/a.go:1 +0x1"),
        (
            "rust",
            "x\n   0: bob\n             at /srv/hunter2.rs:1:1",
            "{}\n   0: f\n             at /srv/shop/a.rs:1:1",
        ),
        ("rust", "x\n   0: bob", "thread 'main' panicked at a.rs:1:1:\n{}\nstack backtrace:\n   0: f\n"),
    ],
)
def test_calls_that_are_in_a_message_before_all_are_no_calls(language: str, message: str, stack: str) -> None:
    frames = grouping_of("shop", ErrorText("E", message, stack.format(message), language)).frames
    assert [frame.function for frame in frames] == ["f"]


def test_where_no_call_has_a_name_the_message_tells() -> None:
    def handler(message: str, line: int) -> str:
        stack = (
            f"Error: {message}\n    at /srv/shop/app.js:{line}:3\n    at next (/srv/node_modules/express/x.js:1:1)\n"
        )
        return grouping_of("shop", ErrorText("Error", message, stack, "nodejs")).fingerprint

    assert handler("stock is empty", 1) != handler("no such coupon", 1)
    assert handler("order 1 is gone", 1) == handler("order 22 is gone", 9)


@pytest.mark.parametrize(
    "part", ["x" * 3000, "a/" * 3000, "at " * 3000, "(" * 3000, ":1" * 3000, "<" * 3000, "a.b::c->" * 900]
)
@pytest.mark.parametrize("language", [*sorted(set(LANGUAGES.values()))])
def test_a_hostile_stack_trace_takes_no_long_time(language: str, part: str) -> None:
    for stack in (
        part,
        f"E: x\n\tat {part}\n",
        f"#0 {part}\n  0: {part}\n",
        f'Traceback (most recent call last):\n  File "{part}',
    ):
        started = time.perf_counter()
        grouping_of("shop", ErrorText("E", "m", stack, language))
        assert time.perf_counter() - started < 1
