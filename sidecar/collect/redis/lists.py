"""Limits for the lists in INFO that clients, modules or replicas make as long as they like."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sidecar.collect.redis.info import Info, parse_pairs
from sidecar.collect.redis.section import number_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

OTHER = "other"
"""The name under which the rest of a list is summed."""

OTHER_DATABASES = f"db{OTHER}"
"""The field with the sum over the databases that are not shown."""

LONGEST_NAME = 200
"""Characters; a longer name is one of the rest. Redis cuts the names of errors at 32, others do not."""

ERRORS_OF_SERVERS = frozenset(
    {
        *("ASK", "BUSY", "BUSYGROUP", "BUSYKEY", "CLUSTERDOWN", "CROSSSLOT", "DENIED", "ERR", "EXECABORT", "INPROG"),
        *("LOADING", "MASTERDOWN", "MISCONF", "MOVED", "NOAUTH", "NOGOODSLAVE", "NOGROUP", "NOMASTERLINK", "NOPERM"),
        *("NOPROTO", "NOQUORUM", "NOREPLICAS", "NOSCRIPT", "NOTBUSY", "OOM", "READONLY", "TRYAGAIN", "UNBLOCKED"),
        *("UNKILLABLE", "WRONGPASS", "WRONGTYPE"),
    }
)
"""Prefixes of errors that come from the server itself, and not from a script: these are shown in any case."""

NAMES_SUMMED = Family(
    "sidecar_redis_names_summed",
    MetricType.GAUGE,
    f"Names of a list over its limit: their numbers are summed as `{OTHER}`, or left out where a sum tells nothing.",
    ("list",),
)


class InfoList(NamedTuple):
    """A list of INFO: `fields` matches what its fields are called; the rest of that, `name`, is what they are about.

    `most` names are shown, and those that are `always`. Of the others the numbers `summed` are added up. Where nothing
    is known, those are chosen whose number `summed[0]` is the greatest.
    """

    name: str
    fields: re.Pattern[str]
    most: int
    summed: Sequence[str] = ()
    always: frozenset[str] = frozenset()


LISTS = (
    InfoList(
        "commandstats",
        re.compile("cmdstat_(?P<name>.*)", re.DOTALL),
        1000,
        ("calls", "usec", "rejected_calls", "failed_calls"),
    ),
    InfoList("errorstats", re.compile("errorstat_(?P<name>.*)", re.DOTALL), 100, ("count",), ERRORS_OF_SERVERS),
    InfoList("latencystats", re.compile("latency_percentiles_usec_(?P<name>.*)", re.DOTALL), 1000),
    InfoList(
        "keyspace",
        re.compile("db(?P<name>[0-9]+)"),
        256,
        ("keys", "expires", "subexpiry", "keys_with_volatile_items"),
    ),
    InfoList("replicas", re.compile("slave(?P<name>[0-9]+)"), 100),
    InfoList("primaries", re.compile("master(?P<name>[0-9]+)"), 100),
)


class BoundedLists:
    """Cuts the lists of one target; who was shown once stays, so that no series comes and goes with its rank.

    `summed` is how many names of each list are not shown now.
    """

    def __init__(self, lists: Iterable[InfoList] = LISTS) -> None:
        self._lists = tuple(lists)
        self._shown: dict[str, frozenset[str]] = {}
        self.summed: dict[str, int] = {}

    def bounded(self, info: Info) -> Info:
        """Return the fields with each list cut to its limit, and the rest of it as one more field."""
        result = dict(info)
        for one in self._lists:
            found = {field: match["name"] for field in info if (match := one.fields.fullmatch(field))}
            shown = self._choose(one, found, info)
            self._shown[one.name] = shown
            rest = found.keys() - shown
            self.summed[one.name] = len(rest)
            if rest:
                _sum(one, found, rest, result)
        return result

    def families(self) -> Iterable[FamilySamples]:
        """Return how many names are not shown."""
        samples = [Sample(NAMES_SUMMED.name, (("list", name),), float(count)) for name, count in self.summed.items()]
        yield FamilySamples(NAMES_SUMMED, samples)

    def _choose(self, one: InfoList, found: Mapping[str, str], info: Info) -> frozenset[str]:
        """Return the fields to show: the server's own, those shown before, and then the greatest."""
        fitting = [field for field, name in found.items() if len(name) <= LONGEST_NAME]
        always = [field for field in fitting if found[field] in one.always]
        others = [field for field in fitting if found[field] not in one.always]
        if len(others) > one.most:
            before = self._shown.get(one.name, frozenset())
            ranks = {field: (field not in before, -_weight(one, info[field]), field) for field in others}
            others = sorted(others, key=ranks.__getitem__)[: one.most]
        return frozenset([*always, *others])


def _weight(one: InfoList, value: str) -> float:
    return (number_of(parse_pairs(value).get(one.summed[0])) or 0.0) if one.summed else 0.0


def _sum(one: InfoList, found: Mapping[str, str], rest: Iterable[str], result: dict[str, str]) -> None:
    """Take the fields `rest` out of `result`, and put their sum in."""
    totals: dict[str, float] = {}
    some = ""
    for some in rest:
        pairs = parse_pairs(result.pop(some))
        for key in one.summed:
            value = number_of(pairs.get(key))
            if value is not None:
                totals[key] = totals.get(key, 0.0) + value
    if totals:
        field = some[: len(some) - len(found[some])] + OTHER
        for key, text in parse_pairs(result.get(field, "")).items():  # somebody may be called so
            totals[key] = totals.get(key, 0.0) + (number_of(text) or 0.0)
        result[field] = ",".join(f"{key}={value:.17g}" for key, value in totals.items())
