"""The composition root for tests of it."""

from pathlib import Path

import pytest

from tests.unit.app.root import Root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    root = Root(tmp_path)
    monkeypatch.setattr("sidecar.app.process.build_parts", root.build_parts)
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)  # they read files on the loop
    return root
