"""Expands the templates of a JSON file and compares: `python -m tests.conformance.templates FILE`.

The file is a list of `{"template", "value", "expected"}`, the expected texts from a real Prometheus.
"""

import json
import sys
from pathlib import Path

from sidecar.model.labels import labels_of
from sidecar.rules.template import TemplateData, Templates

LABELS = labels_of({"instance": "host-1.example.com:9100", "job": "node", "namespace": "ns"})
EXTERNAL_LABELS = {"region": "eu"}
EXTERNAL_URL = "http://ext.example/p"


def failures(path: Path) -> tuple[int, list[str]]:
    """Return how many templates `path` holds, and one text for each that comes out differently."""
    cases = json.loads(path.read_text(encoding="utf-8"))
    templates = Templates()
    failed = []
    for case in cases:
        data = TemplateData(LABELS, case["value"], 0, EXTERNAL_LABELS, EXTERNAL_URL)
        answer = templates.expand("conformance", case["template"], data)
        if answer != case["expected"]:
            failed.append(f"{case['template']!r}\n  expected {case['expected']!r}\n  answered {answer!r}")
    return len(cases), failed


def main() -> int:
    """Run every file named on the command line; return the exit code."""
    total, failed = 0, []
    for name in sys.argv[1:]:
        count, texts = failures(Path(name))
        total += count
        failed += texts
    sys.stdout.write("".join(f"{text}\n" for text in failed))
    sys.stdout.write(f"{total - len(failed)} passed, {len(failed)} failed\n")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
