"""Rules of a dashboard's frame: what it is, where its panels lie, its variables, links and annotations."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from urllib.parse import urlsplit

from tests.dashboard_queries import BUILT_IN, Dashboard, dashboard_files, panels, read_dashboard, variable_names

GRID_WIDTH = 24
SCOPES = ("job", "instance")


def identity(dashboard: Dashboard) -> Iterator[str]:
    """It has a lasting uid, no number of somebody's Grafana, the schema we write, and cannot be edited by accident."""
    expected = {"id": None, "schemaVersion": 39, "editable": False}
    for key, value in expected.items():
        if dashboard.get(key, "missing") != value:
            yield f"{key} is {dashboard.get(key)!r}, not {value!r}"
    if not dashboard.get("uid", "").startswith("sidecar-"):
        yield "the uid does not begin with `sidecar-`"
    if "sidecar" not in dashboard.get("tags", []) or len(dashboard["tags"]) < 2:
        yield "tags are not `sidecar` and an area"


def opening(dashboard: Dashboard) -> Iterator[str]:
    """It opens on the last hour, refreshes each half minute and shares the crosshair."""
    if dashboard["time"] != {"from": "now-1h", "to": "now"} or dashboard["refresh"] != "30s":
        yield "it does not open on now-1h, refreshed every 30s"
    if dashboard["graphTooltip"] != 1:
        yield "the crosshair is not shared"


def unique_ids(dashboard: Dashboard) -> Iterator[str]:
    """No two panels share an id, no two queries of a panel a refId."""
    ids = [panel["id"] for panel in panels(dashboard)] + [p["id"] for p in dashboard["panels"] if p["type"] == "row"]
    yield from (f"two panels have the id {key}" for key, count in Counter(ids).items() if count > 1)
    for panel in panels(dashboard):
        refs = Counter(target["refId"] for target in panel["targets"])
        yield from (f"{panel['title']}: two queries are {key}" for key, count in refs.items() if count > 1)


def grid(dashboard: Dashboard) -> Iterator[str]:
    """Panels lie within the width of the page and never over each other."""
    places = {panel["title"]: panel["gridPos"] for panel in panels(dashboard)}
    for title, place in places.items():
        if place["x"] < 0 or place["w"] < 1 or place["x"] + place["w"] > GRID_WIDTH:
            yield f"{title}: outside the page"
    for (one, a), (other, b) in combinations(places.items(), 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        apart = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not beside and not apart:
            yield f"{one} lies over {other}"


def datasource_variable(dashboard: Dashboard) -> Iterator[str]:
    """The first variable chooses the Prometheus."""
    first = dashboard["templating"]["list"][0]
    wanted = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    yield from (f"datasource: {key} is not {value!r}" for key, value in wanted.items() if first.get(key) != value)


def scope_variables(dashboard: Dashboard) -> Iterator[str]:
    """Job and instance can be chosen, several at once, and follow the time range."""
    by_name = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    for name in SCOPES:
        variable = by_name.get(name, {})
        wanted = {"label": name.title(), "type": "query", "multi": True, "includeAll": True, "allValue": ".+"}
        wanted |= {"refresh": 2, "datasource": {"type": "prometheus", "uid": "${datasource}"}}
        yield from (f"{name}: {key} is not {value!r}" for key, value in wanted.items() if variable.get(key) != value)


def known_variables(dashboard: Dashboard) -> Iterator[str]:
    """Every variable that is used is one of the dashboard's or of Grafana's."""
    known = {variable["name"] for variable in dashboard["templating"]["list"]} | set(BUILT_IN) | {"__all"}
    yield from (f"${name} is not a variable" for name in sorted(variable_names(json.dumps(dashboard)) - known))


def links(dashboard: Dashboard) -> Iterator[str]:
    """A list of all our dashboards is offered; a link to a dashboard leads to one that is shipped."""
    shipped = {read_dashboard(path)["uid"] for path in dashboard_files()}
    if not any(link["type"] == "dashboards" and link["tags"] == ["sidecar"] for link in dashboard["links"]):
        yield "no drop-down of the dashboards tagged `sidecar`"
    for url in _urls(dashboard):
        parts = urlsplit(url).path.split("/")
        if url.startswith("/d/") and parts[2] not in shipped:
            yield f"{url} leads to no dashboard of ours"
        if not url.startswith(("/d/", "http://", "https://", "${")):
            yield f"{url!r} leads nowhere"


def annotations(dashboard: Dashboard) -> Iterator[str]:
    """Firing alerts are marked by severity, restarts too."""
    text = " ".join(annotation["expr"] for annotation in dashboard["annotations"]["list"])
    for wanted in ('severity="critical"', 'severity="warning"', "process_start_time_seconds"):
        if wanted not in text:
            yield f"no annotation of {wanted}"


def _urls(dashboard: Dashboard) -> Iterator[str]:
    yield from (link["url"] for link in dashboard["links"] if link["type"] == "link")
    for panel in panels(dashboard):
        yield from (link["url"] for link in panel.get("links", []))
        yield from (link["url"] for link in panel["fieldConfig"]["defaults"].get("links", []))


RULES = (
    identity,
    opening,
    unique_ids,
    grid,
    datasource_variable,
    scope_variables,
    known_variables,
    links,
    annotations,
)
