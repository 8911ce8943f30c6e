"""Where the files that come with the sidecar are: its configuration, alerts and dashboards."""

import sys
from pathlib import Path

from sidecar.model.errors import InternalError

CHECKOUT = Path(__file__).parents[2]
INSTALLED = Path(sys.prefix, "share", "sidecar")


def shipped(name: str) -> Path:
    """Return the path of a shipped file such as `config/examples/demo.yaml`, in a checkout or as installed."""
    for root in (CHECKOUT, INSTALLED):
        if (root / name).exists():
            return root / name
    raise InternalError(f"`{name}` was not installed with the sidecar")
