"""The container image: linted, built from any base with python3, run as a cluster would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def test_the_dockerfile_is_clean_for_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.integration
@pytest.mark.timeout(600)
def test_the_image_answers_livez_as_non_root_on_a_read_only_root() -> None:
    missing = [name for name in ("buildah", "mmdebstrap") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root, buildah and mmdebstrap; missing: {', '.join(missing) or 'root'}")
    done = subprocess.run([ROOT / "scripts/image"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "answers /livez as user 65532 on a read-only root" in done.stdout + done.stderr
