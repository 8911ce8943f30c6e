"""Writes the files that are generated from the code; `--check` fails when one is not what it would write.

config/sidecar.yaml, docs/reference/configuration.md and docs/reference/configuration.schema.json come from the models,
docs/reference/metrics.md from the collectors and from what the parts put on their meter, docs/reference/promql.md from
the engine, and docs/reference/exporter-parity.md from the reviewed file of differences.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from scripts.metrics_reference import metrics_reference
from scripts.promql_reference import promql_reference
from sidecar.app.config import SidecarConfig
from tests.conformance.exporters.reviewed import page as exporter_parity

ROOT = Path(__file__).parent.parent


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the configuration models that `annotation` mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from models_in(argument)


def default_text(field: FieldInfo) -> str:
    """Return the default as YAML shows it, empty for a required field."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return ""
    if isinstance(value, tuple) and hasattr(value, "port"):
        return json.dumps(str(value))
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def sections(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield every model under `model` with its path, outermost first."""
    yield path, model
    for name, field in model.model_fields.items():
        mark = "[]" if str(field.annotation).startswith("tuple") else ""
        for inner in models_in(field.annotation):
            yield from sections(inner, f"{path}.{name}{mark}".lstrip("."))


def reference() -> str:
    """Return docs/reference/configuration.md."""
    lines = ["# Configuration", "", "Generated from the configuration models; do not edit.", ""]
    for path, model in sections(SidecarConfig):
        title = path or "Top level"
        kind = model.model_fields.get("kind")
        if path.endswith("[]") and kind is not None:
            title += f" (kind: {', '.join(kind.annotation.__args__)})" if kind.annotation else ""
        lines += [
            f"## {title}",
            "",
            " ".join((model.__doc__ or "").split()),
            "",
            "| key | default | meaning |",
            "|---|---|---|",
        ]
        for name, field in model.model_fields.items():
            nested = any(models_in(field.annotation))
            default = "" if nested else f"`{default_text(field)}`" if default_text(field) else "required"
            meaning = field.description or ("see its section" if nested else "")
            lines.append(f"| `{name}` | {default} | {meaning.replace('|', chr(92) + '|')} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def sample(model: type[BaseModel], indent: str = "") -> Iterator[str]:
    """Yield the lines of a commented configuration that says the defaults."""
    for name, field in model.model_fields.items():
        inner = next(models_in(field.annotation), None)
        text = field.description or (" ".join((inner.__doc__ or "").split()) if inner else "")
        if text:
            yield f"# {indent}# {text}"
        if inner is None:
            yield f"# {indent}{name}: {default_text(field) or '...'}".rstrip()
        elif str(field.annotation).startswith("tuple"):
            yield f"# {indent}{name}:"
            yield from as_item(list(sample(inner, f"{indent}    ")), indent)
        else:
            yield f"# {indent}{name}:"
            yield from sample(inner, f"{indent}  ")


def as_item(lines: list[str], indent: str) -> list[str]:
    """Return `lines` with a dash before the first key, so that they are one item of a list."""
    first = next(number for number, line in enumerate(lines) if not line.startswith(f"# {indent}    #"))
    lines[first] = lines[first].replace(f"# {indent}    ", f"# {indent}  - ", 1)
    return lines


def sample_text() -> str:
    """Return config/sidecar.yaml: every key, commented, at its default."""
    head = "# Every key of the sidecar at its default. Generated from the configuration models; do not edit.\n"
    return head + "\n".join(sample(SidecarConfig)) + "\n"


def schema() -> str:
    """Return the JSON schema, for editors."""
    return json.dumps(SidecarConfig.model_json_schema(), indent=2) + "\n"


def generated() -> dict[Path, str]:
    """Return each generated file's path and text."""
    return {
        ROOT / "config/sidecar.yaml": sample_text(),
        ROOT / "docs/reference/configuration.md": reference(),
        ROOT / "docs/reference/configuration.schema.json": schema(),
        ROOT / "docs/reference/metrics.md": metrics_reference(),
        ROOT / "docs/reference/promql.md": promql_reference(),
        ROOT / "docs/reference/exporter-parity.md": exporter_parity(),
    }


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file differs.")
def main(check: bool) -> None:
    """Write the generated files."""
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        click.echo(f"{path.relative_to(ROOT)}: {'is not what the code generates' if check else 'written'}", err=True)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(generated()[path])
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
