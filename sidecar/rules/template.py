"""Go templates of alert labels and annotations, as Prometheus expands them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sidecar.model.labels import Labels
from sidecar.rules.template_functions import PURE_FUNCTIONS, QuerySample

if TYPE_CHECKING:
    from gotpl import Environment, Template

_PREFIX = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)

TemplateQuery = Callable[[str], Sequence[QuerySample]]
"""Answers the PromQL text that a template gives to `query`; may raise."""


def query_samples(answer: Sequence[tuple[Labels, float]]) -> Sequence[QuerySample]:
    """Return `answer` as templates see it."""
    from gotpl import TypedMap

    return [QuerySample(TypedMap(dict(labels), ""), value) for labels, value in answer]


def _no_query(text: str) -> Sequence[QuerySample]:
    raise ValueError(f"no query is possible here: `{text}`")


class TemplateSyntaxError(ValueError):
    """A template that does not parse; `line` and `column` count from 1 in its own text."""

    def __init__(self, message: str, line: int, column: int) -> None:
        self.line = line
        self.column = column
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class TemplateData:
    """What a template can see: one sample, and the evaluation it belongs to."""

    labels: Labels
    value: float
    now_ms: int
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    query: TemplateQuery = _no_query


class Templates:
    """Compiles each template once and expands it against samples; not for several threads at once."""

    def __init__(self) -> None:
        self._environment: Environment | None = None
        self._compiled: dict[tuple[str, str], Template] = {}
        self._data = TemplateData((), 0.0, 0)

    def check(self, name: str, text: str) -> None:
        """Raise TemplateSyntaxError when `text` is not a template; nothing is expanded."""
        self._template(name, text)

    def expand(self, name: str, text: str, data: TemplateData) -> str:
        """Return `text` expanded; a failing template becomes text that says so, as in Prometheus."""
        if "{{" not in text:
            return text
        self._data = data
        try:
            return self._template(name, text).render(_Root(data))
        except Exception as error:  # noqa: BLE001 - whatever a template does wrong must not fail its rule
            return f"<error expanding template: error executing template __alert_{name}: {error}>"

    def _template(self, name: str, text: str) -> "Template":
        compiled = self._compiled.get((name, text))
        if compiled is None:
            compiled = self._compiled[name, text] = self._compile(name, text)
        return compiled

    def _compile(self, name: str, text: str) -> "Template":
        from gotpl import TemplateSyntaxError as GotplSyntaxError  # 0.14 s to import: only where rules are

        try:
            return self._functions().from_string(_PREFIX + text, name=f"__alert_{name}")
        except GotplSyntaxError as error:
            message = str(error).partition(": ")[2]
            column = error.column - len(_PREFIX) if error.line == 1 else error.column
            raise TemplateSyntaxError(message, error.line, max(column, 1)) from error

    def _functions(self) -> "Environment":
        if self._environment is None:
            from gotpl import Environment

            self._environment = Environment(missing_key="zero", functions={**PURE_FUNCTIONS, **self._bound()})
        return self._environment

    def _bound(self) -> dict[str, Callable[..., object]]:
        """Return the functions that depend on the evaluation."""
        return {
            "query": lambda text: self._data.query(text),
            "now": lambda: self._data.now_ms / 1000,
            "externalURL": lambda: self._data.external_url,
            "pathPrefix": lambda: urlsplit(self._data.external_url).path,
        }


class _Root:
    """The dot of a template: only the four fields of Prometheus' own."""

    def __init__(self, data: TemplateData) -> None:
        from gotpl import TypedMap

        self._fields = {
            "Labels": TypedMap(dict(data.labels), ""),
            "ExternalLabels": TypedMap(dict(data.external_labels), ""),
            "ExternalURL": data.external_url,
            "Value": float(data.value),
        }

    def __gotemplate_lookup__(self, name: str) -> object:
        if name not in self._fields:
            raise ValueError(f"can't evaluate field {name}")
        return self._fields[name]
