"""A process that is killed at any moment leaves a file that can be read, with all but the last second in it."""

from pathlib import Path

import pytest

from tests.unit.runtime.state.kills import kill_writers


@pytest.mark.alone("what a writer has written a second later")
async def test_after_each_of_several_kills_the_file_has_all_but_the_last_second(tmp_path: Path) -> None:
    await kill_writers(tmp_path, kills=4)
