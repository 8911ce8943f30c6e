"""Every function this engine knows, by name; what is not here is refused by name."""

from collections.abc import Mapping

from sidecar.promql.functions.absent import ABSENT
from sidecar.promql.functions.histogram import HISTOGRAM
from sidecar.promql.functions.plain import PLAIN, Function
from sidecar.promql.functions.relabel import RELABEL
from sidecar.promql.functions.windowed import WINDOWED

FUNCTIONS: Mapping[str, Function] = {**PLAIN, **WINDOWED, **ABSENT, **HISTOGRAM, **RELABEL}
