"""How a value is formatted: a verb of `printf` with its flags, width and precision."""

from dataclasses import dataclass

MAX_WIDTH = 1_000_000
"""Go's own limit of a width or precision."""

PLUS_V, SHARP_V = "P", "S"


@dataclass(slots=True)
class Spec:
    """How one value is formatted; of `%+v` and `%#v` the flags are PLUS_V and SHARP_V, as they mean something else."""

    verb: str = "v"
    flags: str = ""
    width: int | None = None
    precision: int | None = None

    def has(self, flag: str) -> bool:
        """Return whether `flag` was given."""
        return flag in self.flags


def padded(text: str, spec: Spec, *, zeros: bool = True) -> str:
    """Return `text` as wide as `spec` says."""
    if spec.width is None or len(text) >= spec.width:
        return text
    if spec.has("-"):
        return text.ljust(spec.width)
    return text.rjust(spec.width, "0" if zeros and spec.has("0") else " ")
