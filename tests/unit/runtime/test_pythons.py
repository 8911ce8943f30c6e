"""Supervision by every Python there is: their groups of tasks differ in what a failure leaves behind."""

import shutil
import subprocess
import sys
from pathlib import Path

import prometheus_client
import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("stray_cancellation.py")
PACKAGES = Path(prometheus_client.__file__).parents[1]
"""Of this Python; what the program needs of them is Python alone."""


def interpreter(version: str) -> str:
    """Return the interpreter of a version; skip the test if there is none that works."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None or subprocess.run([found, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"there is no Python {version} here")
    return found


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_only_a_stop_ends_a_component(version: str) -> None:
    done = subprocess.run(
        [interpreter(version), str(PROGRAM)],
        env={"PYTHONPATH": f"{ROOT}:{PACKAGES}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
