"""The container image: linted, built from any base with python3, run as a cluster would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SYSTEM_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def test_the_dockerfile_is_clean_for_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.integration
@pytest.mark.timeout(600)
def test_the_image_answers_livez_as_non_root_on_a_read_only_root() -> None:
    missing = [name for name in ("buildah", "mmdebstrap", "ip") if not shutil.which(name, path=SYSTEM_PATH)]
    if missing:
        pytest.skip(f"not here, though scripts/setup test installs what apt has: {', '.join(missing)}")
    done = subprocess.run([*as_root(), ROOT / "scripts/image"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "answers /livez as user 65532 on a read-only root" in done.stdout + done.stderr


def as_root() -> list[str]:
    """Return what makes a command run as root with the settings of this user; skip the test where nothing does."""
    if os.geteuid() == 0:
        return []
    if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root may bind mounts and change roots, and sudo asks for a password")
    return ["sudo", "-n", "env", f"HOME={Path.home()}"]
