"""Answers to the queries in templates, which are expanded without waiting: what is missing is asked for afterwards."""

from collections.abc import Sequence

from sidecar.model.errors import QueryError
from sidecar.model.labels import Labels
from sidecar.rules.gotemplate.values import Struct
from sidecar.rules.template import query_samples

_REMEMBERED = 16
"""Of an evaluation: a rule has few texts that are the same for all of its alerts, and an answer may be large."""


class TemplateAnswers:
    """The TemplateQuery of one evaluation; the same text is asked once only.

    A template that asks what is not known fails, and leaves the text in `missing`. Give the answer with `put` and
    expand the template anew.
    """

    def __init__(self) -> None:
        self.missing: str | None = None
        self._known: dict[str, Sequence[Struct] | QueryError] = {}

    def __call__(self, text: str) -> Sequence[Struct]:
        """Return the answer to `text`; raise QueryError if that is the answer, or if there is none yet."""
        if text not in self._known:
            self.missing = text
            raise QueryError("internal", "not answered yet")
        answer = self._known[text]
        if isinstance(answer, QueryError):
            raise answer
        return answer

    def put(self, text: str, answer: Sequence[tuple[Labels, float]] | QueryError) -> None:
        """Remember the answer to `text`, which is missing no more."""
        self.missing = None
        self._known[text] = answer if isinstance(answer, QueryError) else query_samples(answer)

    def forget(self) -> None:
        """Let go of the oldest answers; not to be called while a template is expanded."""
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
