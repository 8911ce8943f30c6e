"""Who may have how many series when there is not room for all. Pure."""

from collections.abc import Mapping

_RULES = "rules"
_OF_RULES = "rule/"
_SPARE = 1 / 100
"""Room that is kept for those below their share, as a part of the limit: making some copies what the others keep."""


def group_of(source: str) -> str:
    """Return what shares its series: a source by itself, all rules together, each of which is a source."""
    return _RULES if source.startswith(_OF_RULES) else source


def share_of(limit: int, groups: int) -> int:
    """Return how many series each of `groups` is sure to have; what others leave of theirs goes to whoever is first."""
    return limit // max(groups, 1)


def spare_of(limit: int) -> int:
    """Return how many series are left free by those over their share."""
    return int(limit * _SPARE)


def room_for(used: Mapping[str, int], limit: int, group: str) -> int:
    """Return how many series `group` may add now: what is free, and beyond its share all but the spare."""
    used = {group: 0, **used}
    free = limit - sum(used.values())
    below = share_of(limit, len(used)) - used[group]
    return max(min(free, below), free - spare_of(limit), 0)


def giving(used: Mapping[str, int], limit: int, group: str, wanted: int) -> dict[str, int]:
    """Return how many series which groups give up so that `group` can have `wanted` more, up to its share.

    `used` is what each group has. Only those over their share give, the largest first, and none
    more than it has over it; the spare is made anew with it. That is always enough: as long as one is below an equal
    share, and nothing is free, the others have more than theirs by as much.
    """
    used = {group: 0, **used}
    share = share_of(limit, len(used))
    short = min(wanted, share - used[group]) - (limit - sum(used.values()))
    if short <= 0 or used[group] >= share:
        return {}
    left, given = short + spare_of(limit), dict[str, int]()
    for name, count in sorted(used.items(), key=lambda item: (-item[1], item[0])):
        given[name] = min(left, max(0, count - share))
        left -= given[name]
    return {name: count for name, count in given.items() if count}
