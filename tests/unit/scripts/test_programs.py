"""Every program that the tree starts, and every library of it, is brought by scripts/setup or by any Debian."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sidecar.demo.binaries import postgres_18_bin_dir, valkey_binary
from tests.conftest import ROOT
from tests.rotel import missing_libraries, rotel_agent, rotel_environment
from tests.unit.scripts.programs import commands_in, programs_in, started_by_python, started_by_shell

SETUP = (ROOT / "scripts/setup").read_text()
NEEDED = {Path(line[0]).name: line[1] or line[0] for line in re.findall(r"^need (\S+) ?(\S*)$", SETUP, re.MULTILINE)}
UNPACKED = {line[0]: line[1] or line[0] for line in re.findall(r"^unpack (\S+) ?(\S*)$", SETUP, re.MULTILINE)}
BESIDE = {"prometheus": "promtool"}
"""Programs that a package brings along with the one that scripts/setup looks for."""

ON_EVERY_DEBIAN = {
    "coreutils": set(
        "cat chmod chroot cut dirname env id ls mkdir mktemp mv nproc rm sha256sum sleep tee tr true".split()
    ),
    "dash": {"sh"},
    "dpkg": {"dpkg", "dpkg-query"},
    "grep": {"grep"},
    "libc-bin": {"ldd"},
    "mawk": {"awk"},
    "mount": {"mount"},
    "sed": {"sed"},
    "util-linux": {"unshare", "nsenter"},
}
"""Packages that the smallest Debian has, with the programs of them that are used."""
ASSUMED = {"apt-get", "python3", "git"}
"""What the README asks for, and what brought the checkout."""
OUR_OWN = {"check", "setup", "run"}
"""Scripts that call each other."""
AT_WILL = {
    "chromium-headless-shell": "scripts/screenshot.py says so where it is absent; no test takes pictures",
    "npm": "scripts/record_frameworks is run by hand and says that it needs it",
    "sudo": "asked for by scripts/setup and the test of the image where they do not run as root",
    "systemctl": "services are switched off where there is one",
    "postgres": "taken from the wheel where it is not on the path",
    "valkey-server": "taken from the wheel where it is not on the path",
}

EXPRESSIONS = {
    "self._command()": "the servers of the demonstration and of topologies: Postgres, Valkey, redis-server, pgbouncer",
    "self.command()": "the programs of tests/servers.py: Python, what `tool` finds, rotel",
    "sidecar.command()": "unshare, and Python in it",
    "shop_command()": "Python",
    "words(launch)": "Python, which becomes the sidecar",
    "find_promtool()": "promtool",
    "installation.command(scenario.program)": "an app, by hand: node, or Python of its own",
    "rotel_agent()": "rotel, from the wheel",
    "program": "a loop over names that stand beside it",
    "name": "a parameter or a loop over names that stand beside it",
    "command": "a parameter: what the callers name",
    "as_root()": "nothing or sudo, then scripts/image",
    "tree.command(name, Path(file.name), list(options))": "Python, for benchmarks of a tree",
    "f'python{version}'": "another Python; where there is none the test is skipped, Debian has one version only",
    "shutil.which(f'python{version}')": "the same",
    "interpreter(version)": "the same",
    "command.replace('curl ', 'curl -s ', 1)": "curl",
    "shutil.which('chromium-headless-shell') or sys.exit('chromium-headless-shell is not installed')": "the browser",
}
"""First arguments that are no name, and what they are."""


def is_brought(program: str) -> bool:
    brought = NEEDED.keys() | UNPACKED.keys() | BESIDE.keys() | AT_WILL.keys() | ASSUMED | OUR_OWN
    in_venv = Path(sys.executable).with_name(program).exists()
    return in_venv or program in brought or any(program in programs for programs in ON_EVERY_DEBIAN.values())


def unknown(started: Mapping[str, set[str]]) -> dict[str, set[str]]:
    return {program: where for program, where in started.items() if not is_brought(program)}


def test_every_program_that_python_code_starts_is_brought_by_setup_or_by_any_debian() -> None:
    """Add what is new to scripts/setup, or to the tables above with the reason why that is not needed."""
    started = started_by_python()
    assert len(started) > 20
    assert {program: where for program, where in unknown(started).items() if program not in EXPRESSIONS} == {}


def test_every_program_that_a_script_starts_is_brought_by_setup_or_by_any_debian() -> None:
    started = started_by_shell()
    assert {"buildah", "mmdebstrap", "ip", "apt-get"} <= started.keys()
    assert unknown(started) == {}


def test_the_tables_name_nothing_that_is_not_started() -> None:
    started = started_by_python().keys() | started_by_shell().keys()
    listed = AT_WILL.keys() | EXPRESSIONS.keys() | set().union(*ON_EVERY_DEBIAN.values())
    assert listed - started == set()
    assert BESIDE.keys() <= started


def test_the_packages_of_every_debian_are_those_that_none_is_without() -> None:
    if shutil.which("dpkg-query") is None:
        pytest.skip("no Debian")
    ask = ["dpkg-query", "--show", "--showformat=${Essential} ${Priority}\n", *ON_EVERY_DEBIAN]
    answer = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line for line in answer if not line.startswith("yes") and not line.endswith(" required")] == []


@pytest.mark.parametrize("package", sorted({*NEEDED.values(), *UNPACKED.values()}))
def test_a_package_is_named_as_debian_names_packages(package: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", package)


def programs_here() -> dict[str, Path]:
    """Return the native programs that tests start, as far as they are here."""
    found = {program: shutil.which(program, path="/usr/bin:/usr/sbin") for program in NEEDED}
    postgres_15 = Path("/usr/lib/postgresql/15/bin")
    paths = [Path(path) for path in found.values() if path]
    paths += [ROOT / ".tools/usr/bin" / program for program in UNPACKED]
    paths += [bin_dir / name for bin_dir in (postgres_18_bin_dir(), postgres_15) for name in ("postgres", "initdb")]
    paths += [valkey_binary(), *(Path(sys.executable).with_name(name) for name in ("hadolint", "ruff", "uv"))]
    return {str(path): path for path in paths if path.exists()}


@pytest.mark.parametrize("path", programs_here().values(), ids=lambda path: path.name)
def test_no_program_lacks_a_shared_library(path: Path) -> None:
    assert missing_libraries(path, {"PATH": "/usr/bin:/bin"}) == []


def test_the_collector_finds_the_library_of_python_that_it_is_linked_to() -> None:
    try:
        agent = rotel_agent()
    except RuntimeError as error:
        pytest.skip(str(error))
    done = subprocess.run([agent, "--version"], env=rotel_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_names_are_read_from_lists_variables_folders_and_inner_programs() -> None:
    source = """
def start(path):
    words = ["one", path]
    subprocess.run(words)
    subprocess.Popen([str(path / "two"), "x"])
    shutil.which("three")
    tool("four")
    subprocess.run([tool("five")])
    asyncio.create_subprocess_exec(*("six", "y"))
    asyncio.create_subprocess_shell("seven --fast")
    subprocess.run([sys.executable, "-c", "INNER"])
    subprocess.run(path)
"""
    inner = "\n".join(("import subprocess", "subprocess.Popen(['eight'])"))
    source = source.replace('"INNER"', repr(inner))
    names = {"one", "two", "three", "four", "five", "six", "seven", "eight", "python", "path"}
    assert set(programs_in(source)) == names


def test_commands_are_read_from_pipes_conditions_substitutions_and_inner_shells() -> None:
    script = """#!/bin/sh
# no comment
say() { echo "not this; nor that" | one; }
[ -x two ] || A="b c" three --option
if ! four; then five "$(six x)"; fi
unshare --mount sh -c '
    seven lo
'
sed 's/a/b/; y' && exec eight
"""
    assert commands_in(script) == {"one", "three", "four", "five", "six", "unshare", "seven", "sed", "eight"}
