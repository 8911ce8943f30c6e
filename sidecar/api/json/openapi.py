"""The OpenAPI document of the JSON API, made from the models of its resources."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from sidecar import __version__
from sidecar.api.json.problem import PROBLEM_TYPE, ProblemDocument
from sidecar.api.json.resource import ListQuery, Resource

PREFIX = "/api/v1"
_REFERENCE = "#/components/schemas/{model}"
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The item's `id`.",
    "schema": {"type": "string"},
}

Schema = dict[str, Any]


def openapi(resources: Sequence[Resource[Any]]) -> Schema:
    """Return the document, OpenAPI 3.1, as plain values."""
    schemas: Schema = {}
    problem = _schema(ProblemDocument, schemas)
    paths = {path: item for resource in resources for path, item in _paths(resource, schemas, problem)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sidecar",
            "version": __version__,
            "description": "What the sidecar has found out about its app. It answers on loopback and keeps what it "
            "shows in memory, within limits: an item may be gone a moment later.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _paths(resource: Resource[Any], schemas: Schema, problem: Schema) -> Iterator[tuple[str, Schema]]:
    item = _sparse(resource.item, schemas)
    page = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": item},
            "next": {"type": ["string", "null"], "description": "Where the next page is; null on the last one."},
        },
    }
    base, tags, noun = f"{PREFIX}/{resource.name}", [resource.name], re.sub(r"\W", "_", resource.name)
    fields = next(each for each in _parameters(ListQuery) if each["name"] == "fields")

    def operation(name: str, summary: str, answer: Schema, refusals: Sequence[int], **more: Any) -> Schema:
        responses = {"200": {"description": "Found, or done.", "content": {"application/json": {"schema": answer}}}}
        for status in refusals:
            text = {"description": "Refused.", "content": {PROBLEM_TYPE: {"schema": problem}}}
            responses[str(status)] = text
        return {"operationId": name, "summary": summary, "tags": tags, **more, "responses": responses}

    listing = operation(f"list_{noun}", resource.summary, page, (400,), parameters=_parameters(resource.query))
    yield base, {"get": listing}
    one = operation(f"get_{noun}", f"One of the {resource.name}.", item, (400, 404), parameters=[_ID, fields])
    yield f"{base}/{{id}}", {"get": one}
    for name, view in resource.views.items():
        shown = _schema(view.model, schemas) if view.model else {"type": "object"}
        got = operation(f"{name}_of_{noun}", view.summary, shown, (400, 404), parameters=[_ID])
        yield f"{base}/{{id}}/{name}", {"get": got}
    for name, action in resource.actions.items():
        body = {"content": {"application/json": {"schema": {"type": "object", "maxProperties": 0}}}}
        refusals = (400, 403, 404, 413, 415)
        done = operation(f"{name}_{noun}", action.summary, item, refusals, parameters=[_ID], requestBody=body)
        yield f"{base}/{{id}}/{name}", {"post": done}


def _parameters(model: type[ListQuery]) -> list[Schema]:
    """Return the parameters of a list; what is optional there has no `null` in a query."""
    properties: Mapping[str, Schema] = model.model_json_schema()["properties"]
    parameters = []
    for name, found in properties.items():
        given = {key: value for key, value in found.items() if key not in ("title", "description", "anyOf")}
        for choice in found.get("anyOf", ()):
            if choice.get("type") != "null":
                given |= choice
        if given.get("default", 0) is None:
            del given["default"]
        parameters.append({"name": name, "in": "query", "description": found["description"], "schema": given})
    return parameters


def _sparse(model: type[BaseModel], schemas: Schema) -> Schema:
    """Return the schema of an item of which `fields=` may leave out everything but the id."""
    reference = _schema(model, schemas)
    for name in [model.__name__, *_inner_names(schemas[model.__name__], schemas)]:
        schemas[name]["required"] = [each for each in schemas[name].get("required", ()) if each == "id"]
    return reference


def _inner_names(schema: Any, schemas: Schema, seen: frozenset[str] = frozenset()) -> set[str]:
    found: set[str] = set()
    if isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            found |= {name} | _inner_names(schemas[name], schemas, seen | {name})
        for value in schema.values():
            found |= _inner_names(value, schemas, seen | found)
    elif isinstance(schema, list):
        for value in schema:
            found |= _inner_names(value, schemas, seen | found)
    return found


def _schema(model: type[BaseModel], schemas: Schema) -> Schema:
    """Put the schema of `model` and of those inside it into `schemas`; return the reference to it."""
    schema = model.model_json_schema(ref_template=_REFERENCE, mode="serialization")
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema
    return {"$ref": _REFERENCE.format(model=model.__name__)}
