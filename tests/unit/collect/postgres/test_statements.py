"""Statements: who is shown, and that the increases of all series add up to what was executed."""

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.collect.postgres import statements
from sidecar.collect.postgres.statements import Numbers, Shown, Statement, Statements

SHOP, WIKI = 5, 6
A, B, C, D, E = (Statement(10, SHOP, number) for number in range(1, 6))


def numbers(calls: float = 1.0, seconds: float = 0.0, temp_blocks: float = 0.0) -> Numbers:
    return Numbers(calls, seconds, calls * 2, 0.0, 0.0, temp_blocks)


def calls(shown: Shown) -> dict[object, float]:
    """Return the calls of each statement, and of the others by database."""
    return {
        **{statement: values.calls for statement, values in shown.statements.items()},
        **{database: values.calls for database, values in shown.others.items()},
    }


def test_statements_with_most_time_or_most_temporary_blocks_are_shown() -> None:
    readings = {A: numbers(seconds=9), B: numbers(seconds=1), C: numbers(temp_blocks=5), D: numbers(), E: numbers()}
    assert set(Statements(3).feed(readings, 1).statements) == {A, C}
    assert set(Statements(4).feed(readings, 1).statements) == {A, B, C}


def test_statement_stays_until_it_is_clearly_out() -> None:
    chosen = Statements(5)
    four = {A: numbers(seconds=9), B: numbers(seconds=8), C: numbers(seconds=7), D: numbers(seconds=6)}
    assert set(chosen.feed({**four, E: numbers(seconds=5)}, 1).statements) == {A, B, C, D}
    assert set(chosen.feed({**four, E: numbers(seconds=6.5)}, 1).statements) == {A, B, C, D, E}
    sixth = Statement(10, SHOP, 6)
    assert E in chosen.feed({**four, sixth: numbers(seconds=7.5), E: numbers(seconds=6.5)}, 1).statements
    out = chosen.feed({**four, sixth: numbers(seconds=7.5), E: numbers(seconds=6.5), D: numbers(seconds=6.6)}, 1)
    assert set(out.statements) == {A, B, C, sixth}


def test_first_time_shows_the_servers_numbers_and_nothing_of_the_others() -> None:
    shown = Statements(1).feed({A: numbers(7, 9), B: numbers(3, 1), Statement(10, WIKI, 1): numbers(2)}, 1)
    assert calls(shown) == {A: 7, SHOP: 0, WIKI: 0}


def test_statement_that_comes_and_goes_is_counted_once() -> None:
    chosen = Statements(1)
    chosen.feed({A: numbers(10, 9), B: numbers(10, 1)}, 1)
    assert calls(chosen.feed({A: numbers(12, 9), B: numbers(15, 20)}, 1)) == {B: 15, SHOP: 2 + 5}
    assert calls(chosen.feed({A: numbers(13, 30), B: numbers(16, 20)}, 1)) == {A: 10, SHOP: 7 + 1 + 1}
    assert calls(chosen.feed({A: numbers(14, 30), B: numbers(16, 20)}, 1)) == {A: 11, SHOP: 9}


def test_reset_shows_as_one_only_for_who_is_shown() -> None:
    chosen = Statements(1)
    chosen.feed({A: numbers(10, 9), B: numbers(10, 1)}, 1)
    chosen.feed({A: numbers(10, 9), B: numbers(14, 1)}, 1)
    assert calls(chosen.feed({A: numbers(3, 2), B: numbers(2, 1)}, 1)) == {A: 3, SHOP: 4 + 2}


def test_new_statement_has_done_all_it_says_and_one_dropped_takes_nothing_back() -> None:
    chosen = Statements(1)
    chosen.feed({A: numbers(10, 9), B: numbers(10, 1)}, 1)
    assert calls(chosen.feed({A: numbers(10, 9), C: numbers(4)}, 1)) == {A: 10, SHOP: 4}
    assert calls(chosen.feed({A: numbers(10, 9), B: numbers(1)}, 1)) == {A: 10, SHOP: 5}


def test_another_server_in_its_place_adds_nothing() -> None:
    chosen = Statements(1)
    chosen.feed({A: numbers(10, 9), B: numbers(10, 1)}, 1)
    assert calls(chosen.feed({A: numbers(900, 99), B: numbers(800, 1)}, 2)) == {A: 10, SHOP: 0}
    assert calls(chosen.feed({A: numbers(901, 99), B: numbers(802, 1)}, 2)) == {A: 11, SHOP: 2}


def test_statements_long_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "REMEMBERED", 3)
    chosen = Statements(1)
    for number in range(10):
        chosen.feed({Statement(10, number, number): numbers()}, 1)
    assert len(chosen._shown) == len(chosen._others) == 3


class Increases:
    """What a Prometheus makes of the series: a number that fell was reset; the others begin at 0."""

    def __init__(self) -> None:
        self._last: dict[object, Numbers] = {}
        self.by_database: dict[int, Numbers] = defaultdict(lambda: statements.ZERO)
        self.fell: set[object] = set()

    def see(self, shown: Shown) -> None:
        for statement, values in shown.statements.items():
            self._add(statement, statement.database_id, self._last.get(statement, values), values)
        for database, values in shown.others.items():
            self._add(database, database, self._last.get(database, statements.ZERO), values)

    def _add(self, series: object, database: int, last: Numbers, now: Numbers) -> None:
        pairs = list(zip(self.by_database[database], last, now, strict=True))
        self.by_database[database] = Numbers(*(total + (b - a if b >= a else b) for total, a, b in pairs))
        if any(b < a for _, a, b in pairs):
            self.fell.add(series)
        self._last[series] = now


COUNT = st.integers(0, 50).map(float)
STATEMENTS = [Statement(10 + number % 2, SHOP + number % 2, number) for number in range(6)]
ACTIONS = st.one_of(
    st.tuples(st.just("work"), st.builds(Numbers, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)),
    st.tuples(st.just("reset"), st.builds(Numbers, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)),
    st.tuples(st.just("drop"), st.none()),
)
STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.lists(ACTIONS, min_size=6, max_size=6)),
    max_size=12,
)


class Source:
    """A server's counters, and what they tell was done in each database."""

    def __init__(self) -> None:
        self.now: dict[Statement, Numbers] = {}
        self.was_reset: set[Statement] = set()
        self.done: dict[int, Numbers] = defaultdict(lambda: statements.ZERO)

    def act(self, statement: Statement, action: tuple[str, Any]) -> None:
        kind, values = action
        before = self.now.get(statement, statements.ZERO)
        if kind == "drop":
            self.now.pop(statement, None)
            self.was_reset.add(statement)
            return
        now = values if kind == "reset" else Numbers(*map(sum, zip(before, values, strict=True)))
        fell = any(b < a for a, b in zip(before, now, strict=True))
        increase = now if fell else Numbers(*(b - a for a, b in zip(before, now, strict=True)))
        if fell:
            self.was_reset.add(statement)
        self.now[statement] = now
        done = self.done[statement.database_id]
        self.done[statement.database_id] = Numbers(*map(sum, zip(done, increase, strict=True)))


@given(steps=STEPS, most=st.integers(1, 6))
def test_increases_add_up_and_nothing_falls_that_was_not_reset(steps: list[Any], most: int) -> None:
    chosen, source, increases, origin = Statements(most), Source(), Increases(), 0
    increases.see(chosen.feed({}, origin))
    for number, actions in steps:
        for statement, action in zip(STATEMENTS, actions, strict=True):
            source.act(statement, action)
        if number == 0:  # the server restarted: what was done meanwhile is not seen
            origin += 1
            source.done = defaultdict(lambda: statements.ZERO, increases.by_database)
        shown = chosen.feed(dict(source.now), origin)
        assert len(shown.statements) <= most
        increases.see(shown)
        for database in (SHOP, WIKI):
            assert increases.by_database[database] == source.done[database]
    assert increases.fell <= source.was_reset
