"""The manners of the JSON API, on a small resource: pages, fields, problems, and who may change something."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from sidecar.api.config import ApiConfig
from sidecar.api.local import LocalContent, local_app
from sidecar.api.page.overview import Overview
from tests.fakes import nothing_is_on_its_way
from tests.unit.api.json.shelf import Author, Book, Shelf, books

Client: TypeAlias = TestClient[Any, Any]
Make: TypeAlias = Callable[[web.Application], Awaitable[Client]]

JSON = {"Content-Type": "application/json"}


class Library:
    """The API over a shelf, and the errors it hid."""

    def __init__(self, client: Client, shelf: Shelf, failures: list[BaseException]) -> None:
        self.client = client
        self.shelf = shelf
        self.failures = failures

    async def get(self, path: str, status: int = 200) -> Any:
        return await _body(await self.client.get(f"/api/v1/{path}"), status)

    async def post(self, path: str, status: int, headers: dict[str, str], data: str = "") -> Any:
        return await _body(await self.client.post(f"/api/v1/{path}", headers=headers, data=data), status)


async def _body(response: ClientResponse, status: int) -> Any:
    assert response.status == status, await response.text()
    assert response.content_type == ("application/json" if status == 200 else "application/problem+json")
    body = await response.json()
    assert status == 200 or body["status"] == status
    return body


async def _library(make: Make, admin: bool) -> Library:
    shelf = Shelf(100)
    failures: list[BaseException] = []
    content = LocalContent(lambda: Overview("", "", ()), (books(shelf),), failures.append, nothing_is_on_its_way)
    return Library(await make(local_app(content, ApiConfig(admin=admin))), shelf, failures)


@pytest.fixture
async def library(aiohttp_client: Make) -> Library:
    return await _library(aiohttp_client, admin=True)


@pytest.fixture
async def reading_room(aiohttp_client: Make) -> Library:
    return await _library(aiohttp_client, admin=False)


@pytest.mark.parametrize("sort", ["pages", "title"])
async def test_walking_the_pages_gives_every_item_once_in_order(library: Library, sort: str) -> None:
    path, seen = f"books?limit=7&sort={sort}", []
    while path:
        page = await library.get(path)
        assert len(page["items"]) <= 7
        seen += page["items"]
        path = (page["next"] or "").removeprefix("/api/v1/")
    assert len({book["id"] for book in seen}) == len(seen) == 100
    values = [book[sort] for book in seen]
    assert values == sorted(values, reverse=sort == "pages")


async def test_no_item_comes_twice_while_others_are_added_and_removed(library: Library) -> None:
    path, seen, number = "books?limit=10", [], 100
    while path:
        page = await library.get(path)
        seen += [book["id"] for book in page["items"]]
        path = (page["next"] or "").removeprefix("/api/v1/")
        for _ in range(3):
            number += 1
            library.shelf.books[f"b{number}"] = Book(
                id=f"b{number}", title="New", pages=number % 7, authors=[Author(name="Z", born=1)]
            )
        del library.shelf.books[seen[-1]]
    assert len(set(seen)) == len(seen)
    assert {f"b{number}" for number in range(100)} <= set(seen)


async def test_only_the_fields_that_were_asked_for_are_shown_and_the_id(library: Library) -> None:
    page = await library.get("books?limit=1&sort=title&fields=title,authors.name")
    assert page["items"] == [{"id": "b0", "title": "Title 000", "authors": [{"name": "Ann"}]}]
    assert await library.get("books/b3?fields=pages") == {"id": "b3", "pages": 3}
    whole = await library.get("books/b3?fields=authors.born,authors")
    assert whole["authors"] == [{"name": "Ann", "born": 1903}]


async def test_an_unknown_field_is_refused_with_those_there_are(library: Library) -> None:
    problem = await library.get("books?fields=title,authors.age", 400)
    assert "`authors.age`" in problem["detail"]
    assert "authors.born" in problem["detail"]


async def test_every_mistake_in_the_parameters_is_told_at_once(library: Library) -> None:
    problem = await library.get("books?limit=501&sort=color&shelf=3", 400)
    assert [part["at"] for part in problem["errors"]] == ["limit", "sort", "shelf"]


@pytest.mark.parametrize("path", ["books?limit=1&limit=2", "books/b1?limit=1", "books/b1/cover?fields=color"])
async def test_parameters_that_say_nothing_are_refused(library: Library, path: str) -> None:
    await library.get(path, 400)


async def test_a_cursor_is_of_use_for_its_own_list_only(library: Library) -> None:
    following = (await library.get("books?limit=1"))["next"].removeprefix("/api/v1/")
    assert "other filters" in (await library.get(f"{following}&title=x", 400))["detail"]
    for cursor in ("x", "W10", "WzEsMiwzXQ"):
        assert "not one that was given" in (await library.get(f"books?cursor={cursor}", 400))["detail"]


async def test_others_run_while_a_long_page_is_made(library: Library) -> None:
    async def count() -> None:
        while True:
            library.shelf.rounds += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        counting = group.create_task(count())
        await library.get("books?limit=100")
        counting.cancel()
    assert len(set(library.shelf.asked_in)) == 10


@pytest.mark.parametrize("path", ["books/none", "books/none/cover", "shelves", "books/b1/back"])
async def test_what_is_not_there_is_a_404(library: Library, path: str) -> None:
    await library.get(path, 404)


async def test_a_view_shows_another_form_of_an_item(library: Library) -> None:
    assert await library.get("books/b1/cover") == {"color": "blue"}


async def test_an_error_of_our_own_is_told_to_the_log_and_not_to_the_asker(library: Library) -> None:
    library.shelf.broken = True
    assert "42" not in str(await library.get("books", 500))
    assert str(library.failures[0]) == "the secret is 42"


async def test_a_method_that_is_not_allowed_is_told_with_those_that_are(library: Library) -> None:
    response = await library.client.delete("/api/v1/books/b1")
    await _body(response, 405)
    assert response.headers["Allow"] == "GET, HEAD"


async def test_an_action_changes_the_item_and_returns_it(library: Library) -> None:
    assert (await library.post("books/b1/lend", 200, JSON))["lent_to"] == "Bob"
    assert (await library.get("books/b1"))["lent_to"] == "Bob"
    await library.post("books/none/lend", 404, JSON)
    await library.post("books/b2/lend", 200, JSON, "{}")
    await library.post("books/b3/lend", 400, JSON, '{"to": "Eve"}')


async def test_an_action_is_refused_unless_it_was_turned_on(reading_room: Library) -> None:
    assert "api: {admin: true}" in (await reading_room.post("books/b1/lend", 403, JSON))["detail"]
    assert (await reading_room.get("books/b1"))["lent_to"] is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({**JSON, "Origin": "https://evil.example"}, 403),
        ({**JSON, "Origin": "null"}, 403),
        ({**JSON, "Origin": "http://["}, 403),
        ({**JSON, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**JSON, "Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_no_other_web_site_can_have_a_browser_do_it(
    library: Library, headers: dict[str, str], status: int
) -> None:
    await library.post("books/b1/lend", status, headers)
    assert (library.shelf.books["b1"].lent_to == "Bob") == (status == 200)


async def test_the_document_describes_what_is_there(library: Library) -> None:
    document = await library.get("openapi.json")
    assert set(document["paths"]) == {
        "/api/v1/books",
        "/api/v1/books/{id}",
        "/api/v1/books/{id}/cover",
        "/api/v1/books/{id}/lend",
    }
    assert document["components"]["schemas"]["Book"]["required"] == ["id"]
    names = [parameter["name"] for parameter in document["paths"]["/api/v1/books"]["get"]["parameters"]]
    assert names == ["limit", "cursor", "fields", "title", "sort"]
