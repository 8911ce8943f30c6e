"""Flask and SQLAlchemy 2.0 over psycopg 3: lazy loading, lists, failing queries, errors in a log."""

import logging
import os

import telemetry
from flask import Flask, abort
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from serving import serve
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

EXPORT_REST = telemetry.start()
TRACED_TWICE = "TRACED_TWICE" in os.environ
"""Whether psycopg is traced beside SQLAlchemy."""

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:"))
app = Flask(__name__)


class Base(DeclarativeBase):
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


@app.get("/books")
def books() -> list[str]:
    """List books with their authors, each loaded when it is asked for."""
    with Session(engine) as session:
        return [f"{book.title} by {book.author.name}" for book in session.scalars(select(Book).order_by(Book.id))]


@app.get("/lists")
def lists() -> list[int]:
    """Look some books up, each time more."""
    with Session(engine) as session:
        wanted = [range(1, last) for last in (2, 3, 5, 8)]
        return [len(session.scalars(select(Book.id).where(Book.id.in_(numbers))).all()) for numbers in wanted]


@app.get("/savepoints")
def savepoints() -> str:
    """Rate three authors, each within a savepoint."""
    with Session(engine) as session, session.begin():
        for number in (1, 2, 3):
            with session.begin_nested():
                session.get_one(Author, number).rating = number
    return "rated"


@app.get("/duplicate")
def duplicate() -> str:
    """Create an author who is there already."""
    with Session(engine) as session, session.begin():
        session.add(Author(id=1, name="somebody"))
    return "created"


@app.get("/count")
def count() -> str:
    """Count books."""
    with Session(engine) as session:
        return str(session.scalar(select(func.count()).select_from(Book)))


@app.get("/stock/<int:number>")
def stock(number: int) -> str:
    """Fail."""
    raise LookupError(f"no stock of {number}")


@app.get("/charge")
def charge() -> str:
    """Fail in another way."""
    return str({}["card"])


@app.get("/item/<int:number>")
def item(number: int) -> str:
    """Answer 404."""
    abort(404)


@app.get("/import")
def import_lines() -> str:
    """Log what is wrong with each of ten lines, and answer all the same."""
    for line in range(10):
        try:
            int("price")
        except ValueError:
            logging.getLogger("import").exception("line %d has no price", line)
    return "imported"


def main() -> None:
    """Connect untraced, which asks for the server's settings, and serve."""
    SQLAlchemyInstrumentor().instrument(engine=engine)
    if TRACED_TWICE:
        PsycopgInstrumentor().instrument()
    LoggingInstrumentor().instrument()
    FlaskInstrumentor().instrument_app(app)
    with suppress_instrumentation(), engine.connect():
        pass
    serve(app, EXPORT_REST)


if __name__ == "__main__":
    main()
