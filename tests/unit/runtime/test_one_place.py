"""What the edges share stands below them, once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SIDECAR = Path(__file__).parents[3] / "sidecar"


def names_in(path: Path) -> set[str]:
    """Return every name and attribute that the module at `path` mentions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
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


@pytest.mark.parametrize(
    ("names", "modules"),
    [
        (("SockSite", "TCPSite", "UnixSite"), ["runtime/http_server.py"]),
        (("RequestHandler",), ["runtime/http_server.py"]),
        (("create_default_context",), ["runtime/tls.py"]),
        (("StopIteration",), ["jobs/evaluate.py", "model/steps.py"]),  # rules answer their steps, which is a dialogue
    ],
)
def test_a_thing_that_every_edge_needs_is_done_in_one_place(names: tuple[str, ...], modules: list[str]) -> None:
    assert list(modules_that_mention(*names)) == modules


def test_secrets_in_files_are_read_in_one_place() -> None:
    definitions = [path for path in SIDECAR.rglob("*.py") if "class SecretFiles" in path.read_text()]
    assert definitions == [SIDECAR / "runtime/secret.py"]


def test_the_dialect_of_an_error_does_not_hang_on_a_prefix() -> None:
    deciding = [module for module in modules_that_mention("HTTPException") if module.startswith("api/")]
    assert deciding == ["api/json/routes.py", "api/local.py", "api/route_group.py"]
    for module in deciding[1:]:
        assert "startswith" not in names_in(SIDECAR / module)
