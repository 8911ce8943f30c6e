"""Lines of peers: where they end, and names that stay on one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.peer.lines import crlf_lines, lf_lines, one_line

ENDS_FOR_SPLITLINES = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("character", ENDS_FOR_SPLITLINES)
def test_in_a_text_of_crlf_lines_no_other_character_ends_one(character: str) -> None:
    assert crlf_lines(f"a{character}b\r\nc\r\n") == [f"a{character}b", "c"]


@pytest.mark.parametrize("character", ENDS_FOR_SPLITLINES.replace("\n", ""))
def test_in_a_text_of_lf_lines_no_other_character_ends_one(character: str) -> None:
    assert lf_lines(f"a{character}b\nc") == [f"a{character}b", "c"]


@given(st.lists(st.text().filter(lambda line: "\n" not in line)))
def test_lines_are_what_was_joined(lines: list[str]) -> None:
    assert lf_lines("".join(f"{line}\n" for line in lines)) == lines


def test_an_empty_text_has_no_lines() -> None:
    assert crlf_lines("") == lf_lines("") == []


@given(st.text(st.characters(codec=None)))
def test_a_name_on_one_line_is_printable_and_stays_as_it_is_if_it_was(name: str) -> None:
    assert one_line(name).isprintable()
    assert one_line(one_line(name)) == one_line(name)


def test_what_cannot_be_printed_is_escaped() -> None:
    assert one_line("x\x0by\u2028z\ud800") == r"x\x0by\u2028z\ud800"
    assert one_line("größe 1") == "größe 1"
