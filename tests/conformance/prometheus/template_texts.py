"""Templates of alerts whose texts a real Prometheus knows, and what it refuses to load.

In `tests/golden/templates`: what is in `expanded.json` loads and is expanded, with errors as well; `refused.json` does
not parse, and `loaded.json` is near to that and does.
"""

import json

from tests.conftest import ROOT

_VALUES = (
    "$value",
    "1",
    "-1",
    "0",
    "255",
    "1.0",
    "-0.5",
    "1e6",
    "1e-7",
    "'x'",
    '"go"',
    '"é\\n"',
    "true",
    "$labels",
    "nil",
    "1i",
)
_FORMS = (
    *(
        "%v",
        "%d",
        "%s",
        "%q",
        "%x",
        "%X",
        "%e",
        "%E",
        "%f",
        "%F",
        "%g",
        "%G",
        "%t",
        "%T",
        "%+v",
        "%#v",
        "%c",
        "%b",
        "%o",
    ),
    *("%O", "%U", "%p", "%z", "%!", "%08.3f", "%8.3f", "%-8.3f|", "%+.2f", "% d", "%5d|", "%-5d|", "%05d", "%+d", "%x"),
    *(
        "%5s|",
        "%-5s|",
        "%05s",
        "%.1s",
        "%5.1s|",
        "%+q",
        "%#q",
        "%#x",
        "% x",
        "%#o",
        "%#g",
        "%.3g",
        "%.0f",
        "%5t|",
        "%6.2f%%",
    ),
    *(
        "%5v|",
        "%-5v|",
        "%05v",
        "%.2v",
        "%#U",
        "%10e|",
        "%-10q|",
        "%+5d|",
        "%+05d|",
        "%.5d",
        "%8.5d|",
        "%.0d",
        "%#b",
        "%w",
    ),
)
_UNSTABLE = {("%p", "$labels"), ("%#x", "$value"), ("%#x", "1.0"), ("%#x", "-0.5"), ("%#x", "1i"), ("%#x", "1e6")}
"""An address, and a rare notation of hexadecimal floats that we do without."""

_PRINTF = tuple(
    f'{{{{ printf "{form}" {value} }}}}' for form in _FORMS for value in _VALUES if (form, value) not in _UNSTABLE
)


def _read(name: str) -> tuple[str, ...]:
    return tuple(json.loads((ROOT / f"tests/golden/templates/{name}.json").read_text(encoding="utf-8")))


GOOD = (*_read("expanded"), *_PRINTF)
BAD = _read("refused")
NOT_BAD = _read("loaded")
