"""The JSON API under /api/v1: every resource with the same manners.

Lists come in pages by cursor, `fields=` leaves out what is not asked for, and what is wrong with a request is said as
problem+json. What changes something is POST, asks for JSON and for a page of our own origin, so that no web site can
have a browser do it, and is off unless `api.admin` is set.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError
from yarl import URL

from sidecar.api.json.answer import json_response
from sidecar.api.json.fields import Tree, only, parse_fields
from sidecar.api.json.openapi import PREFIX, openapi
from sidecar.api.json.paging import Key, cursor_of, key_of, page_of
from sidecar.api.json.problem import ProblemError, invalid, problem_response
from sidecar.api.json.resource import Action, Item, ListQuery, Resource, View
from sidecar.api.policy.admin import NotAllowedError, check_may_change
from sidecar.api.route_group import RouteGroup
from sidecar.codec.json_text import json_text

Answer = Callable[[web.Request], Awaitable[web.Response]]
AnyResource = Resource[Any]
Settle = Callable[[], Awaitable[None]]

_NOT_IN_QUERY = ("limit", "cursor", "fields")
MOST_BODY_BYTES = 1 << 16
_AT_ONCE = 10
"""Items that are shown, under 1 ms, before others may run."""


class JsonApi:
    """The routes of `resources` and of the OpenAPI document.

    `failed` hears of errors that are our own fault. `settle` is awaited before anything is read, so that an answer
    misses nothing that was accepted before it was asked for.
    """

    def __init__(
        self, resources: Sequence[AnyResource], failed: Callable[[BaseException], None], settle: Settle, *, admin: bool
    ) -> None:
        self._resources = resources
        self._failed = failed
        self._settle = settle
        self._admin = admin

    def add_to(self, app: web.Application) -> None:
        """Add the routes to `app`."""
        document = openapi(self._resources)

        async def describe(_: web.Request) -> web.Response:
            return json_response(document)

        self._add(app, "GET", f"{PREFIX}/openapi.json", describe)
        for resource in self._resources:
            base = f"{PREFIX}/{resource.name}"
            self._add(app, "GET", base, _list(resource))
            self._add(app, "GET", f"{base}/{{id}}", _get(resource))
            for name, view in resource.views.items():
                self._add(app, "GET", f"{base}/{{id}}/{name}", _view(resource, view))
            for name, action in resource.actions.items():
                self._add(app, "POST", f"{base}/{{id}}/{name}", _act(resource, action, self._admin))

    def _add(self, app: web.Application, method: str, path: str, answer: Answer) -> None:
        """Add `answer` at `path`, with what goes wrong said as problem+json."""

        async def handler(request: web.Request) -> web.Response:
            try:
                await self._settle()
                return await answer(request)
            except ProblemError as error:
                return problem_response(error)
            except NotAllowedError as error:
                return problem_response(ProblemError(error.status, str(error)))
            except web.HTTPException as error:
                return problem_response(_of_http(error))
            except Exception as error:  # noqa: BLE001 - the edge: whoever asks hears that it is our fault, and no more
                self._failed(error)
                return problem_response(ProblemError(500, "an error of the sidecar's own; its log says which"))

        if method == "GET":
            app.router.add_get(path, handler)
        else:
            app.router.add_route(method, path, handler)


def _of_http(error: web.HTTPException) -> ProblemError:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return ProblemError(405, f"here one may {allowed}", headers={"Allow": allowed})
    if error.status == 404:
        return ProblemError(404, f"nothing has this path; {PREFIX}/openapi.json tells those there are")
    return ProblemError(error.status, error.reason)


JSON_GROUP = RouteGroup(
    "json",
    owns=lambda path: path.startswith(f"{PREFIX}/"),
    refuse=lambda error: problem_response(_of_http(error)),
)
"""Has whatever stands under the prefix and is not known to another group before it."""


def _list(resource: AnyResource) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        query = _query(request, resource.query)
        tree = _tree(query.fields, resource.item)
        filters = query.model_dump_json(exclude=set(_NOT_IN_QUERY))
        after = key_of(query.cursor, filters) if query.cursor else None
        try:
            page = page_of(await resource.keys(query), after, query.limit, descending=query.descending)
        except TypeError as error:
            raise ProblemError(400, "the cursor is not one that was given in `next`") from error
        items = await _texts(resource, page.keys, tree)
        following = _next(request, cursor_of(page.keys[-1], filters)) if page.has_more else None
        text = f'{{"items": [{", ".join(items)}], "next": {json_text(following)}}}'
        return web.Response(text=text, content_type="application/json")

    return answer


def _get(resource: AnyResource) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        fields = _parameters(request).pop("fields", None)
        _refuse_others(request, ("fields",))
        tree = _tree(fields, resource.item)
        return json_response(_shown(_found(resource, await resource.get(_id(request))), tree))

    return answer


def _view(resource: AnyResource, view: View) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        _refuse_others(request, ())
        found = _found(resource, await view.get(_id(request)))
        if isinstance(found, bytes):
            return web.Response(body=found, content_type="application/json")
        return json_response(found.model_dump(mode="json") if isinstance(found, BaseModel) else found)

    return answer


def _act(resource: AnyResource, action: Action, admin: bool) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        check_may_change(request, admin)
        _refuse_others(request, ())
        await _refuse_content(request)
        return json_response(_shown(_found(resource, await action.do(_id(request))), {}))

    return answer


async def _texts(resource: AnyResource, keys: Sequence[Key], tree: Tree) -> list[str]:
    """Return the items as JSON; 500 of them take 40 ms, so others run in between."""
    texts = []
    for number, (_, ident) in enumerate(keys, 1):
        item = await resource.get(ident)
        if item is not None:
            texts.append(json_text(_shown(item, tree)))
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return texts


def _parameters(request: web.Request) -> dict[str, str]:
    twice = [name for name in set(request.query) if len(request.query.getall(name)) > 1]
    if twice:
        raise ProblemError(400, f"`{twice[0][:60]}` is given twice")
    return dict(request.query)


def _query(request: web.Request, model: type[ListQuery]) -> ListQuery:
    try:
        return model.model_validate(_parameters(request))
    except ValidationError as error:
        raise invalid(error, "parameters") from error


def _refuse_others(request: web.Request, known: Sequence[str]) -> None:
    other = [name for name in request.query if name not in known]
    if other:
        raise ProblemError(400, f"there is no parameter `{other[0][:60]}` here")


def _tree(fields: str | None, item: type[Item]) -> Tree:
    return {} if fields is None else parse_fields(fields, item)


def _shown(item: BaseModel, tree: Tree) -> Any:
    return only(item.model_dump(mode="json"), tree)


def _found(resource: AnyResource, found: Any) -> Any:
    if found is None:
        nouns = resource.name.rpartition("/")[2].replace("-", " ")
        raise ProblemError(404, f"none of the {nouns} has this id, or it is not kept any more")
    return found


def _id(request: web.Request) -> str:
    return request.match_info["id"]


def _next(request: web.Request, cursor: str) -> str:
    return str(URL(request.path).with_query({**_parameters(request), "cursor": cursor}))


async def _refuse_content(request: web.Request) -> None:
    """Raise ProblemError unless the body is nothing or `{}`: the actions there are need not be told more."""
    if (request.content_length or 0) > MOST_BODY_BYTES:
        raise ProblemError(413, f"the body is over {MOST_BODY_BYTES} bytes")
    body = (await request.content.read(16)).strip()
    if body not in (b"", b"{}"):
        raise ProblemError(400, "the body must be `{}`")
