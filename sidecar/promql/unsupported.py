"""Syntax of Prometheus that we leave out and the parser does not know: told by its name, not as a mistake."""

import re

from sidecar.promql.guard import bad_expression_at, blanked

_FEATURES = {
    "the `anchored` modifier": re.compile(r"(?:[\w)}]\s+|\]\s*)(anchored)\b", re.IGNORECASE),
    "the `smoothed` modifier": re.compile(r"(?:[\w)}]\s+|\]\s*)(smoothed)\b", re.IGNORECASE),
    "`</` of native histograms": re.compile(r"(</)"),
    "`>/` of native histograms": re.compile(r"(>/)"),
    "a duration expression": re.compile(
        r"\[[^\[\]]*?([-+*/%^(])|\boffset\b[\s+-]*(\(|(?:step|range|min_of|max_of)\b)", re.IGNORECASE
    ),
    "function info()": re.compile(r"\b(info)\s*\("),
}


def refuse_unsupported(text: str) -> None:
    """Raise QueryError if `text`, which the parser refused, uses syntax that is left out."""
    bare = blanked(text)
    for feature, pattern in _FEATURES.items():
        if match := pattern.search(bare):
            raise bad_expression_at(text, match.start(match.lastindex or 0), f"{feature} is not supported")
