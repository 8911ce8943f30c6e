"""The queries of a Grafana dashboard as a Prometheus would get them, variables replaced."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Dashboard = dict[str, Any]
Panel = dict[str, Any]
Target = dict[str, Any]

FOLDER = Path(__file__).parent.parent / "dashboards"

BUILT_IN = {
    "__rate_interval": "1m",
    "__interval": "15s",
    "__interval_ms": "15000",
    "__range": "1h",
    "__range_s": "3600",
    "__range_ms": "3600000",
}
"""What Grafana itself would fill in for an hour seen through a scrape interval of 15 s."""

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?::[^}]*)?\}|(?P<bare>[A-Za-z_]\w*))")


def dashboard_files() -> list[Path]:
    """Return the shipped dashboards by name."""
    return sorted(FOLDER.glob("*.json"))


def read_dashboard(path: Path) -> Dashboard:
    """Return the dashboard in the file `path`."""
    dashboard: Dashboard = json.loads(path.read_text())
    return dashboard


def panels(dashboard: Dashboard) -> Iterator[Panel]:
    """Yield the panels, those of collapsed rows included, without the rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def expressions(dashboard: Dashboard, variables: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Return (panel title, PromQL) of every query of every panel.

    `variables` come first, for instance {"job": "sidecar", "__rate_interval": "30s"}; then what the dashboard itself
    says for `All` or as default, then Grafana's own. Raises KeyError for a variable that nobody knows.
    """
    values = BUILT_IN | defaults(dashboard) | dict(variables or {})
    return [
        (panel["title"], substitute(target["expr"], values))
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
    ]


def defaults(dashboard: Dashboard) -> dict[str, str]:
    """Return the value of each variable as the dashboard opens: `All` where there is one."""
    return {
        variable["name"]: variable["allValue"] if variable.get("includeAll") else variable["query"]
        for variable in dashboard["templating"]["list"]
    }


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with `$name`, `${name}` and `${name:format}` replaced from `values`; KeyError if one is missing."""
    return _VARIABLE.sub(lambda match: values[match["braced"] or match["bare"]], text)


def variable_names(text: str) -> set[str]:
    """Return the names of the variables that `text` refers to."""
    return {match["braced"] or match["bare"] for match in _VARIABLE.finditer(text)}
