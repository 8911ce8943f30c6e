"""Where promtool is: the judge of rule files and of the unit tests of alerts."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / ".tools" / "usr" / "bin" / "promtool"


def find_promtool() -> str:
    """Return the path of promtool; skip the test where there is none."""
    found = os.environ.get("PROMTOOL") or shutil.which("promtool") or (str(TOOL) if TOOL.exists() else "")
    if not found:
        pytest.skip("no promtool: set PROMTOOL, or put it on PATH or into .tools")
    return found
