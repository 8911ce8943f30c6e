"""Go templates of alert labels and annotations, as Prometheus expands them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sidecar.model.labels import Labels
from sidecar.rules.gotemplate.builtins import BUILTINS
from sidecar.rules.gotemplate.errors import CallError, TemplateSyntaxError
from sidecar.rules.gotemplate.execute import execute
from sidecar.rules.gotemplate.function import Function
from sidecar.rules.gotemplate.parse import Parsed, parse
from sidecar.rules.gotemplate.values import Slice, Struct, string_map
from sidecar.rules.template_functions import PURE_FUNCTIONS, RESULT, query_sample

__all__ = ["TemplateData", "TemplateQuery", "TemplateSyntaxError", "Templates", "query_samples"]

_PREFIX = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
_ROOT = "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"

TemplateQuery = Callable[[str], Sequence[Struct]]
"""Answers the PromQL text that a template gives to `query`; may raise."""


def query_samples(answer: Sequence[tuple[Labels, float]]) -> Sequence[Struct]:
    """Return `answer` as templates see it."""
    return [query_sample(dict(labels), value) for labels, value in answer]


def _no_query(text: str) -> Sequence[Struct]:
    raise ValueError(f"no query is possible here: `{text}`")


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
    """Parses each template once and expands it against samples; not for several threads at once."""

    def __init__(self) -> None:
        self._parsed: dict[tuple[str, str], Parsed] = {}
        self._data = TemplateData((), 0.0, 0)
        self._functions = {**BUILTINS, **PURE_FUNCTIONS, **self._bound()}

    def check(self, name: str, text: str) -> None:
        """Raise TemplateSyntaxError when `text` is not a template; nothing is expanded."""
        if "{{" in text:
            self._template(name, text)

    def expand(self, name: str, text: str, data: TemplateData) -> str:
        """Return `text` expanded; a failing template becomes text that says so, as in Prometheus."""
        if "{{" not in text:
            return text
        self._data = data
        try:
            return execute(self._template(name, text), self._functions, _root(data))
        except Exception as error:  # noqa: BLE001 - whatever a template does wrong must not fail its rule
            return f"<error expanding template: error executing template __alert_{name}: {error}>"

    def _template(self, name: str, text: str) -> Parsed:
        parsed = self._parsed.get((name, text))
        if parsed is None:
            parsed = self._parsed[name, text] = self._parse(name, text)
        return parsed

    def _parse(self, name: str, text: str) -> Parsed:
        try:
            return parse(f"__alert_{name}", _PREFIX + text, self._functions)
        except TemplateSyntaxError as error:
            column = error.column - len(_PREFIX) if error.line == 1 else error.column
            raise TemplateSyntaxError(str(error), error.line, max(column, 1)) from error

    def _bound(self) -> dict[str, Function]:
        """Return the functions that depend on the evaluation."""
        return {
            "query": Function(self._query, ("string",)),
            "now": Function(lambda: self._data.now_ms / 1000),
            "externalURL": Function(lambda: self._data.external_url),
            "pathPrefix": Function(lambda: urlsplit(self._data.external_url).path),
        }

    def _query(self, text: str) -> Slice:
        try:
            return Slice(RESULT, self._data.query(text))
        except Exception as error:
            raise CallError(str(error)) from error


def _root(data: TemplateData) -> Struct:
    """Return the dot of a template: the four fields of Prometheus' own."""
    fields = {
        "Labels": string_map(dict(data.labels)),
        "ExternalLabels": string_map(data.external_labels),
        "ExternalURL": data.external_url,
        "Value": float(data.value),
    }
    return Struct(_ROOT, fields)
