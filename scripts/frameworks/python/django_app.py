"""Django and psycopg 3, both traced: related objects one by one, savepoints, answers by exception."""

import os
from urllib.parse import urlsplit

import django
import telemetry
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.wsgi import get_wsgi_application
from django.db import connection, models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from serving import serve

DATABASE = urlsplit(os.environ["DATABASE_URL"])

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE.path[1:],
            "USER": DATABASE.username,
            "PASSWORD": DATABASE.password,
            "HOST": DATABASE.hostname,
            "PORT": DATABASE.port,
            "CONN_MAX_AGE": None,
        }
    },
    LOGGING_CONFIG=None,
    ROOT_URLCONF=__name__,
    SECRET_KEY="of no use",  # noqa: S106 - nothing is signed
)
django.setup()


class Author(models.Model):
    """Who wrote books."""

    name = models.TextField(unique=True)
    rating = models.IntegerField(default=0)

    class Meta:
        """The table is there already."""

        app_label, managed, db_table = "shop", False, "authors"


class Book(models.Model):
    """What is sold."""

    title = models.TextField()
    author = models.ForeignKey(Author, models.CASCADE)

    class Meta:
        """The table is there already."""

        app_label, managed, db_table = "shop", False, "books"


def books(request: HttpRequest) -> HttpResponse:
    """List books with their authors, whom each asks for."""
    return HttpResponse(", ".join(book.author.name for book in Book.objects.order_by("id")))


def lists(request: HttpRequest) -> HttpResponse:
    """Look some books up, each time more."""
    found = [Book.objects.filter(id__in=range(1, last)).count() for last in (2, 3, 5, 8)]
    return HttpResponse(str(sum(found)))


def savepoints(request: HttpRequest) -> HttpResponse:
    """Rate three authors, each within a savepoint, the last one in vain."""
    with transaction.atomic():
        for number in (1, 2, 3):
            with transaction.atomic():
                Author.objects.filter(id=number).update(rating=number)
                if number == 3:
                    transaction.set_rollback(True)
    return HttpResponse("rated")


class PriceList:
    """Prices that nobody loaded."""

    def price_of(self, number: int) -> int:
        """Fail."""
        raise LookupError("price list is not loaded")


def fail(request: HttpRequest, number: int) -> HttpResponse:
    """Fail in the code below."""
    return HttpResponse(str(PriceList().price_of(number)))


def duplicate(request: HttpRequest) -> HttpResponse:
    """Create an author who is there already."""
    Author.objects.create(id=100, name=Author.objects.get(id=1).name)
    return HttpResponse("created")


def missing(request: HttpRequest, number: int) -> HttpResponse:
    """Answer 404."""
    raise Http404("no such item")


def refused(request: HttpRequest) -> HttpResponse:
    """Answer 400."""
    raise SuspiciousOperation("not that way")


urlpatterns = [
    path("books", books),
    path("lists", lists),
    path("savepoints", savepoints),
    path("fail/<int:number>", fail),
    path("duplicate", duplicate),
    path("item/<int:number>", missing),
    path("refused", refused),
]


def main() -> None:
    """Connect untraced, which asks for the server's settings, and serve."""
    export_rest = telemetry.start()
    DjangoInstrumentor().instrument()
    PsycopgInstrumentor().instrument()
    with suppress_instrumentation():
        connection.ensure_connection()
    serve(get_wsgi_application(), export_rest)


if __name__ == "__main__":
    main()
