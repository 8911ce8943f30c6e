"""The map names the rooms that a new reader asks for, and they are there."""

from pathlib import Path

import pytest

from scripts.rooms import QUESTIONS, Question

ROOT = Path(__file__).parents[3]
MAP = (ROOT / "docs/architecture.md").read_text()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.room)
def test_the_map_names_the_room_of_a_readers_question(question: Question) -> None:
    assert (ROOT / question.room).exists()
    assert question.room in MAP
