"""The file of a recording."""

import json
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.frameworks.collector import Export
from scripts.frameworks.scenario import Scenario

APP, PYTHON, HOST_NAME = "/srv/app", "/usr/local/lib/python", "@app-host"
"""Where apps seem to be installed, where the library of Python, and what names of workers end with."""


def dump_text(scenario: Scenario, exports: Iterable[Export], folder: Path) -> str:
    """Return a recording of an app installed in `folder`: JSON with a body a line, and nothing of this machine."""
    head = {"about": scenario.about, "app": scenario.program, "requests": scenario.requests, "truth": scenario.truth}
    lines = [f"{json.dumps(key)}: {_line(value)}" for key, value in head.items()]
    bodies = [_line({"signal": export.signal, "body": export.body}) for export in exports]
    text = "{" + ",\n ".join([*lines, '"bodies": [\n  ' + ",\n  ".join(bodies) + "]"]) + "}\n"
    neutral = {
        str(folder.resolve()): APP,
        f"{sys.base_prefix}/lib/python": PYTHON,
        f"@{socket.gethostname()}": HOST_NAME,
    }
    for found, shown in neutral.items():
        text = text.replace(found, shown)
    return text


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
