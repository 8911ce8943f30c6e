"""What a benchmark measured of the sidecar, in the one form that `--against` reads."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """A number above 0 with its unit in its name; of most the lower one is the better."""

    name: str
    value: float
    higher_is_better: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Let a benchmark be asked for its figures, and to measure nothing but the sidecar."""
    parser.add_argument("--figures", type=Path, metavar="FILE", help="write the sidecar's figures to FILE, as JSON")
    parser.add_argument("--alone", action="store_true", help="measure the sidecar without what it is compared with")


def write(path: Path | None, figures: Iterable[Figure]) -> None:
    """Write `figures` to `path`, if one was asked for."""
    if path is not None:
        path.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")


def read(path: Path) -> dict[str, Figure]:
    """Return the figures that a benchmark wrote, by name."""
    return {each["name"]: Figure(**each) for each in json.loads(path.read_text())}
