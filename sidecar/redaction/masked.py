"""The type of what has passed the boundary."""

from typing import NewType

Masked = NewType("Masked", str)
"""Text that may be kept and shown. Made only in this package, and by `cut` from what is one."""

NOTHING = Masked("")


def cut(text: Masked, characters: int) -> Masked:
    """Return the beginning of `text`; to be cut after masking: half a secret is not known for one."""
    return Masked(text[:characters])
