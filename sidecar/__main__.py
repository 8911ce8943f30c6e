"""The `sidecar` command, also as `python -m sidecar`: `run` hears signals before anything else is imported."""

import sys
from importlib import import_module

from sidecar.runtime.guardian import GUARDIAN


def main() -> None:
    """Run the command that the arguments name."""
    if sys.argv[1:2] == ["run"]:
        GUARDIAN.watch()
    import_module("sidecar.cli").main()


if __name__ == "__main__":
    main()
