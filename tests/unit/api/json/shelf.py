"""A small resource: books on a shelf, as the JSON API shows them."""

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, Field
from typing_extensions import override

from sidecar.api.json.paging import Key
from sidecar.api.json.resource import Action, Item, ListQuery, Resource, View


class Author(BaseModel):
    name: str = Field(description="Their name.")
    born: int = Field(description="Year.")


class Book(Item):
    title: str = Field(description="The title.")
    pages: int = Field(description="Pages.")
    authors: list[Author] = Field(description="Who wrote it.")
    lent_to: str | None = Field(None, description="Who has it.")


class BookQuery(ListQuery):
    title: str | None = Field(None, description="Only books of this title.")
    sort: Literal["pages", "title"] = Field("pages", description="What the list is sorted by.")

    @property
    @override
    def descending(self) -> bool:
        return self.sort == "pages"


class Shelf:
    """Books by id; `broken` makes it raise."""

    def __init__(self, count: int) -> None:
        self.books = {
            f"b{number}": Book(
                id=f"b{number}",
                title=f"Title {number:03}",
                pages=number % 7,
                authors=[Author(name="Ann", born=1900 + number)],
            )
            for number in range(count)
        }
        self.broken = False
        self.rounds = 0
        self.asked_in: list[int] = []
        """The rounds of the event loop in which books were asked for, as far as somebody counts `rounds`."""

    async def keys(self, query: BookQuery) -> Iterable[Key]:
        books = [book for book in self.books.values() if query.title in (None, book.title)]
        return [(book.pages if query.sort == "pages" else book.title, book.id) for book in books]

    async def get(self, ident: str) -> Book | None:
        if self.broken:
            raise RuntimeError("the secret is 42")
        self.asked_in.append(self.rounds)
        return self.books.get(ident)

    async def cover(self, ident: str) -> Mapping[str, str] | None:
        return {"color": "blue"} if ident in self.books else None

    async def lend(self, ident: str) -> Book | None:
        book = self.books.get(ident)
        if book is not None:
            book = self.books[ident] = book.model_copy(update={"lent_to": "Bob"})
        return book


def books(shelf: Shelf) -> Resource[BookQuery]:
    """Return the resource."""
    return Resource(
        "books",
        "Books, thickest first.",
        Book,
        BookQuery,
        shelf.keys,
        shelf.get,
        {"cover": View("The cover.", None, shelf.cover)},
        {"lend": Action("Lends it.", shelf.lend)},
    )
