"""A fair share for each service of what is kept of all: one that sends much makes room with what is its own."""

from collections import OrderedDict
from collections.abc import Sequence


def fair_share(counts: Sequence[int], most: int) -> int:
    """Return the number that each service may have at most, so that all together have `most` at most.

    Who has fewer than that keeps all; what these leave goes to the others alike. 0 where there are more services than
    `most`.
    """
    left, services = most, len(counts)
    for count in sorted(counts):
        if count * services > left:
            return left // services
        left -= count
        services -= 1
    return max(counts, default=0)


class Shares:
    """Which keys each service has, in the order in which they were used last."""

    def __init__(self) -> None:
        self._keys: dict[str, OrderedDict[str, None]] = {}

    def use(self, service: str, key: str) -> None:
        """Take note that `key` of `service` was used just now."""
        keys = self._keys.get(service)
        if keys is None:
            keys = self._keys[service] = OrderedDict()
        keys[key] = None
        keys.move_to_end(key)

    def add_oldest(self, service: str, key: str) -> None:
        """Take note of a `key` of `service` that was used before all others of it."""
        self.use(service, key)
        self._keys[service].move_to_end(key, last=False)

    def next_to_go(self) -> str:
        """Return the key not used for the longest time of the service that has the most, and forget it."""
        service, keys = max(self._keys.items(), key=lambda item: len(item[1]))
        key, _ = keys.popitem(last=False)
        if not keys:
            del self._keys[service]
        return key
