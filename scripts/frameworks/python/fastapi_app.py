"""FastAPI, SQLAlchemy 2.1 over asyncpg and httpx: failures, refusals, time-outs, related objects one by one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import telemetry
import uvicorn
from fastapi import FastAPI, HTTPException
from opentelemetry import trace
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from pydantic import BaseModel
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http,database"  # names of today; Django and Flask have those before
EXPORT_REST = telemetry.start()
TRACED_TWICE = "TRACED_TWICE" in os.environ
"""Whether asyncpg is traced beside SQLAlchemy."""

engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:"))
tracer = trace.get_tracer("shop")


class Base(AsyncAttrs, DeclarativeBase):
    """What is mapped."""


class Author(Base):
    """Who wrote books."""

    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    rating: Mapped[int] = mapped_column(default=0)


class Book(Base):
    """What is sold."""

    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship()


class Item(BaseModel):
    """What somebody orders."""

    name: str


@asynccontextmanager
async def connected(_: FastAPI) -> AsyncIterator[None]:
    """Connect, which asks for the server's settings, untraced."""
    with suppress_instrumentation():
        async with engine.connect():
            pass
    yield


app = FastAPI(lifespan=connected)


@app.get("/books")
async def books() -> list[str]:
    """List books with their authors, each loaded when it is asked for."""
    async with AsyncSession(engine) as session:
        found = (await session.scalars(select(Book).order_by(Book.id))).all()
        return [(await book.awaitable_attrs.author).name for book in found]


@app.get("/duplicate")
async def duplicate() -> None:
    """Create an author who is there already."""
    async with AsyncSession(engine) as session, session.begin():
        session.add(Author(id=1, name="somebody"))


@app.get("/constructor")
async def constructor() -> None:
    """Make an author of what none has."""
    Author(pseudonym="nobody")


@app.get("/attribute")
async def attribute() -> None:
    """Make a book of what is no book."""
    Book(isbn="none")


@app.get("/stock/{number}")
async def stock(number: int) -> None:
    """Fail."""
    raise LookupError("no stock is known")


@app.get("/item/{number}")
async def item(number: int) -> None:
    """Answer 404."""
    raise HTTPException(404, "no such item")


@app.post("/items")
async def items(item: Item) -> None:
    """Answer 422 to what is no item."""


@app.get("/prices")
async def prices() -> int:
    """Ask ten sellers for prices, of whom none answers in time."""
    error = TimeoutError("no seller answered")

    async def ask(seller: int) -> None:
        with tracer.start_as_current_span("ask seller", attributes={"seller": seller}):
            raise error

    answers = await asyncio.gather(*(ask(seller) for seller in range(10)), return_exceptions=True)  # noqa: TID251
    return len(answers)


@app.get("/suppliers")
async def suppliers() -> int:
    """Ask three suppliers who refuse connections."""
    async with httpx.AsyncClient() as client:
        asked = (client.get("http://127.0.0.1:9/") for _ in range(3))
        return len(await asyncio.gather(*asked, return_exceptions=True))  # noqa: TID251


def main() -> None:
    """Serve until SIGTERM."""
    SQLAlchemyInstrumentor().instrument(engine=engine.sync_engine, skip_dep_check=True)  # it says it is for 2.0
    if TRACED_TWICE:
        AsyncPGInstrumentor().instrument()
    HTTPXClientInstrumentor().instrument()
    FastAPIInstrumentor.instrument_app(app)
    server = uvicorn.Server(uvicorn.Config(app, port=int(os.environ["PORT"]), log_level="critical"))
    try:
        server.run()
    finally:
        EXPORT_REST()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # uvicorn raises it again when it has stopped
    main()
