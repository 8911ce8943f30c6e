"""What the edges share stands below them, once."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from sidecar.runtime.threads.purposes import POOLS

SIDECAR = Path(__file__).parents[3] / "sidecar"


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def names_in(path: Path) -> set[str]:
    """Return every name and attribute that the module at `path` mentions."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
    return found


def modules_that_mention(*names: str) -> Iterator[str]:
    """Yield the modules of the product that mention one of `names`; the demo is not one."""
    for path in sorted(SIDECAR.rglob("*.py")):
        module = path.relative_to(SIDECAR).as_posix()
        if not module.startswith("demo/") and names_in(path) & {*names}:
            yield module


def calls_of(*names: str) -> Iterator[str]:
    """Yield the modules of the product that call a function, or a method of a path, with one of `names`."""
    for path in sorted(SIDECAR.rglob("*.py")):
        module = path.relative_to(SIDECAR).as_posix()
        if not module.startswith("demo/") and names_called(path) & {*names}:
            yield module


def names_called(path: Path) -> set[str]:
    """Return the functions that the module at `path` calls by their names alone, or of `os`, and readers of paths."""
    called = set()
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Call(func=ast.Name(id=name)):
                called.add(name)
            case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="os") | ast.Call(func=ast.Name(id="Path")))):
                called.add(name)
            case ast.Call(func=ast.Attribute(attr="read_text" | "read_bytes" as name)):
                called.add(name)
            case _:
                pass
    return called


@pytest.mark.parametrize(
    ("names", "modules"),
    [
        (("SockSite", "TCPSite", "UnixSite"), ["runtime/http_server.py"]),
        (("RequestHandler",), ["runtime/http_server.py"]),
        (("create_default_context",), ["runtime/tls.py"]),
        (("StopIteration",), ["jobs/evaluate.py", "model/steps.py", "rules/unit_tests/run.py"]),
        # rules answer their steps, which is a dialogue
    ],
)
def test_a_thing_that_every_edge_needs_is_done_in_one_place(names: tuple[str, ...], modules: list[str]) -> None:
    assert list(modules_that_mention(*names)) == modules


@pytest.mark.parametrize(
    ("name", "exceptions"),
    [
        ("to_thread", {}),  # asyncio's is the default executor, in which all would wait for each other
        ("set_default_executor", {}),
        ("run_in_executor", {}),
        ("ThreadPoolExecutor", {}),
        (
            "Thread",
            {
                "runtime/watchdog.py": "watches the event loop, and must run when nothing else does",
                "runtime/guardian.py": "hears the signals, and must when nothing else runs",
                "runtime/queued_log.py": "writes the log, which nobody may wait for",
            },
        ),
        ("getaddrinfo", {"runtime/threads/names.py": "asks the system in a thread, one for each name"}),
        ("getnameinfo", {"runtime/threads/names.py": "the same for the name of an address"}),
        ("gethostbyname", {}),
        ("create_connection", {}),  # of `socket`, which looks names up and blocks
    ],
)
def test_threads_are_started_and_names_looked_up_in_one_place(name: str, exceptions: dict[str, str]) -> None:
    found = {*modules_that_mention(name)} - {"runtime/threads/pool.py"}
    assert found == {*exceptions}, f"use a pool of sidecar/runtime/threads/purposes.py instead of `{name}`"


def test_every_pool_is_made_where_all_are_listed_but_that_of_the_state_file() -> None:
    # A state file that hangs must not hold up another one, so each has a thread of its own.
    assert {*modules_that_mention("Pool")} == {
        "runtime/state/worker.py",
        "runtime/threads/pool.py",
        "runtime/threads/purposes.py",
    }
    assert len({pool.name for pool in POOLS}) == len(POOLS)


@pytest.mark.parametrize(
    ("names", "modules"),
    [
        (
            ("read_bytes", "read_text"),
            {
                "cli/check.py": "a function of sidecar/app/source.py, by `read_regular`",
                "cli/test_rules.py": "the same",
                "probe/cgroup.py": "what the kernel shows",
            },
        ),
        (
            ("open",),
            {
                "cli/demo.py": "the null device, written to",
                "deliver/otlp_grpc.py": "certificates, after `check_usable` in sidecar/deliver/tls.py",
                "runtime/guardian.py": "standard error, written to",
                "runtime/regular_file.py": "here it is done",
                "runtime/state/database.py": "the state file is ours, and made here",
            },
        ),
    ],
)
def test_files_that_a_configuration_names_are_opened_in_one_place(
    names: tuple[str, ...], modules: dict[str, str]
) -> None:
    assert set(calls_of(*names)) == {*modules}


def test_secrets_in_files_are_read_in_one_place() -> None:
    definitions = [path for path in SIDECAR.rglob("*.py") if "class SecretFiles" in path.read_text()]
    assert definitions == [SIDECAR / "runtime/secret.py"]


def test_the_dialect_of_an_error_does_not_hang_on_a_prefix() -> None:
    deciding = [module for module in modules_that_mention("HTTPException") if module.startswith("api/")]
    assert deciding == ["api/json/routes.py", "api/local.py", "api/route_group.py"]
    for module in deciding[1:]:
        assert "startswith" not in names_in(SIDECAR / module)
