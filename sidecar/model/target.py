"""What a target is called."""

from typing import NamedTuple, Self

from typing_extensions import override


class TargetName(NamedTuple):
    """Kind and name of a target; as text `kind/name`, which its batches, pages, parts and log lines are called by."""

    kind: str
    name: str

    @override
    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `text` means; the name of a source that is no target, such as `spans`, is empty."""
        kind, _, name = text.partition("/")
        return cls(kind, name)
