"""Where rotel is, an OTLP collector written in Rust: an independent peer for tests and benchmarks."""

import os
import subprocess
import sysconfig
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path


def rotel_agent() -> Path:
    """Return the program of the installed wheel; raise RuntimeError where it is not or cannot run."""
    spec = find_spec("rotel")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("rotel is not installed")
    agent = Path(spec.submodule_search_locations[0]) / "rotel-agent"
    if missing := missing_libraries(agent, rotel_environment()):
        raise RuntimeError(f"rotel needs {', '.join(missing)}, and apt has none here")
    return agent


def rotel_environment() -> Mapping[str, str]:
    """Return the environment in which it finds the library of Python that it is linked to, if there is one."""
    return os.environ | {"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}


def missing_libraries(program: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the shared libraries that `program` needs and the linker does not find; none for a script."""
    listed = subprocess.run(["ldd", program], env=environment, capture_output=True, text=True, check=False).stdout
    return [line.split()[0] for line in listed.splitlines() if "not found" in line]
