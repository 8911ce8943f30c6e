"""What a restricted user may not ask, and the line that allows it."""

from collections.abc import Iterable

from sidecar.collect.events import CommandsNotAllowed
from sidecar.model.errors import TargetError


class Denied:
    """The ACL rules that were missing in one scrape, by what needed them."""

    def __init__(self) -> None:
        self._rules: dict[str, tuple[str, ...]] = {}
        self._told: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Begin a scrape, in which nothing was denied yet."""
        self._rules = {}

    def note(self, what: str, rules: Iterable[str]) -> None:
        """Take the rules that `what` needs; what was noted about it first is what counts."""
        self._rules.setdefault(what, tuple(rules))

    def news(self, target: str, username: str) -> CommandsNotAllowed | None:
        """End a scrape; return what is to be told, with the one line that allows all of it, unless it was before."""
        rules = self._all()
        is_news = not self._told.issuperset(rules)
        self._told = frozenset(rules)
        if not is_news:
            return None
        return CommandsNotAllowed(target, ", ".join(f"`{what}`" for what in self._rules), _line(username, rules))

    def failure(self, what: str, username: str) -> TargetError:
        """Return the error of a user who may not even do `what`, with the line that allows all that was noted."""
        return TargetError(f"the user may not {what}; allow it with `{_line(username, self._all())}`")

    def _all(self) -> list[str]:
        return list(dict.fromkeys(rule for rules in self._rules.values() for rule in rules))


def _line(username: str, rules: Iterable[str]) -> str:
    return f"ACL SETUSER {username} {' '.join(rules)}"
