"""Every scenario, with what is true of it by construction."""

from collections.abc import Sequence
from typing import Any

from scripts.frameworks.scenario import Scenario, Truth


def truth(calls_per_request: dict[str, float], n_plus_one: Sequence[int] = (), **counts: int) -> Truth:
    """Return what is true; what is not said is 0."""
    of: dict[str, Any] = {"errors": 0, "groups": 0, "statements": 0, "calls": 0, **counts}
    return Truth(**of, calls_per_request=calls_per_request, n_plus_one=list(n_plus_one))


EXPRESS = (
    Scenario(
        "express_one_failure",
        "an error of a handler passes a router, which hands it on",
        "node",
        "express.js",
        ("POST /orders/7",),
        truth({"POST /orders/:id": 0}, errors=1, groups=1),
    ),
    Scenario(
        "express_three_errors",
        "three handlers without names throw errors of one type",
        "node",
        "express.js",
        ("GET /a", "GET /b", "GET /c"),
        truth({"GET /a": 0, "GET /b": 0, "GET /c": 0}, errors=3, groups=3),
    ),
    Scenario(
        "express_refused",
        "a 404 by an error that a handler passes on, a 400 by the parser of bodies",
        "node",
        "express.js",
        ("GET /item/7", "POST /echo {broken"),
        truth({"GET /item/:id": 0, "POST (no route)": 0}),
    ),
)

FASTIFY = (
    Scenario(
        "fastify_three_errors",
        "three handlers throw errors of three types, one in a function below",
        "node",
        "fastify.js",
        ("GET /stock", "GET /charge", "GET /ship", "GET /ship"),
        truth({"GET /stock": 0, "GET /charge": 0, "GET /ship": 0}, errors=4, groups=3),
    ),
    Scenario(
        "fastify_refused",
        "a 400 by the schema of a body, a 404 by an error with a status",
        "node",
        "fastify.js",
        ('POST /items {"price": 3}', "GET /item/7"),
        truth({"POST /items": 0, "GET /item/:id": 0}),
    ),
)

NEST = (
    Scenario(
        "nest_exceptions",
        "404 and 400 by HTTP exceptions, and one error that is none",
        "node",
        "nest.js",
        ("GET /item/7", "POST /items {}", "GET /ship"),
        truth({"GET /item/:id": 0, "POST /items": 0, "GET /ship": 0}, errors=1, groups=1),
    ),
)

APOLLO = (
    Scenario(
        "apollo_n_plus_one",
        "the resolver of each of eight books asks for its author",
        "node",
        "apollo.js",
        ('POST /graphql {"query": "query Books { books { title author { name } } }"}',),
        truth({"POST /graphql": 9}, [8], statements=2, calls=9),
        served=9,
    ),
    Scenario(
        "apollo_resolver_error",
        "a resolver throws, the answer is 200 with an error in it",
        "node",
        "apollo.js",
        ('POST /graphql {"query": "query Cheapest { cheapest { title price } }"}',),
        truth({"POST /graphql": 0}, errors=1, groups=1),
    ),
)

PG = (
    Scenario(
        "pg_three_errors",
        "Postgres refuses for three reasons, a handler catches each and answers 500",
        "node",
        "postgres.js",
        ("GET /caught/duplicate", "GET /caught/syntax", "GET /caught/division"),
        truth({"GET /caught/:error": 1}, errors=3, groups=3, statements=3, calls=3),
    ),
    Scenario(
        "pg_one_failure",
        "an error of Postgres passes a handler and Express",
        "node",
        "postgres.js",
        ("GET /duplicate", "GET /duplicate"),
        truth({"GET /duplicate": 1}, errors=2, groups=1, statements=1, calls=2),
    ),
    Scenario(
        "pg_connect",
        "the first query of a pool connects",
        "node",
        "postgres.js",
        ("GET /first", "GET /first"),
        truth({"GET /first": 1}, statements=1, calls=2),
        served=2,
    ),
    Scenario(
        "pg_pool_wait",
        "four queries wait for a pool of one connection",
        "node",
        "postgres.js",
        ("GET /wait",),
        truth({"GET /wait": 4}, statements=1, calls=4),
        served=4,
    ),
    Scenario(
        "pg_repeat",
        "one handler asks the same six times, one after the other",
        "node",
        "postgres.js",
        ("GET /repeat", "GET /repeat"),
        truth({"GET /repeat": 6}, [6], statements=1, calls=12),
        served=12,
    ),
    Scenario(
        "pg_transactions",
        "two updates in a transaction, committed once and once undone",
        "node",
        "postgres.js",
        ("GET /transfer", "GET /transfer?undo=1"),
        truth({"GET /transfer": 4}, statements=5, calls=8),
        served=4,
    ),
    Scenario(
        "pg_lists",
        "lists of one, two and four values",
        "node",
        "postgres.js",
        ("GET /lists",),
        truth({"GET /lists": 3}, statements=1, calls=3),
        served=3,
    ),
)

MAPPERS = (
    Scenario(
        "knex_n_plus_one",
        "eight books, then the author of each; Knex and pg are both traced",
        "node",
        "knex.js",
        ("GET /books",),
        truth({"GET /books": 9}, [8], statements=2, calls=9),
        served=9,
    ),
    Scenario(
        "knex_transaction",
        "two updates in a transaction of Knex",
        "node",
        "knex.js",
        ("GET /transfer", "GET /transfer"),
        truth({"GET /transfer": 4}, statements=4, calls=8),
        served=4,
    ),
    Scenario(
        "knex_one_failure",
        "an insert that Postgres refuses passes pg, Knex, a handler and Express",
        "node",
        "knex.js",
        ("GET /duplicate",),
        truth({"GET /duplicate": 1}, errors=1, groups=1, statements=1, calls=1),
    ),
    Scenario(
        "sequelize_n_plus_one",
        "eight books, then the author of each; Sequelize and pg are both traced",
        "node",
        "sequelize.js",
        ("GET /books",),
        truth({"GET /books": 9}, [8], statements=2, calls=9),
        served=9,
    ),
    Scenario(
        "sequelize_two_tables",
        "a row of each of two tables",
        "node",
        "sequelize.js",
        ("GET /two-tables", "GET /two-tables"),
        truth({"GET /two-tables": 2}, statements=2, calls=4),
        served=4,
    ),
    Scenario(
        "sequelize_transaction",
        "two updates in a transaction of Sequelize",
        "node",
        "sequelize.js",
        ("GET /transfer",),
        truth({"GET /transfer": 4}, statements=4, calls=4),
        served=2,
    ),
    Scenario(
        "typeorm_n_plus_one",
        "eight books, then the author of each; TypeORM and pg are both traced",
        "node",
        "typeorm.js",
        ("GET /books",),
        truth({"GET /books": 9}, [8], statements=2, calls=9),
        served=9,
    ),
    Scenario(
        "typeorm_count",
        "one count; TypeORM and pg are both traced",
        "node",
        "typeorm.js",
        ("GET /count", "GET /count"),
        truth({"GET /count": 1}, statements=1, calls=2),
        served=2,
    ),
)

REDIS = (
    Scenario(
        "ioredis_pipeline",
        "three commands in a pipeline",
        "node",
        "redis.js",
        ("GET /pipeline",),
        truth({"GET /pipeline": 3}, statements=2, calls=3),
    ),
    Scenario(
        "ioredis_scripts",
        "SET, and two scripts by EVAL, one of several lines",
        "node",
        "redis.js",
        ("GET /script",),
        truth({"GET /script": 3}, statements=2, calls=3),
    ),
    Scenario(
        "ioredis_repeat",
        "twelve GETs of one handler, one after the other",
        "node",
        "redis.js",
        ("GET /repeat",),
        truth({"GET /repeat": 12}, [12], statements=1, calls=12),
    ),
    Scenario(
        "bullmq_jobs",
        "a request enqueues five jobs, two fail for one reason",
        "node",
        "bullmq.js",
        ('POST /mails ["a", "nobody", "b", "nobody", "c"]',),
        truth({"POST /mails": 0, "process mails": 0}, errors=2, groups=1),
    ),
)

DJANGO = (
    Scenario(
        "django_n_plus_one",
        "eight books, then the author of each",
        "django",
        "django_app.py",
        ("GET /books",),
        truth({"GET books": 9}, [8], statements=2, calls=9),
        served=9,
    ),
    Scenario(
        "django_lists",
        "lists of one, two, four and seven values",
        "django",
        "django_app.py",
        ("GET /lists",),
        truth({"GET lists": 4}, statements=1, calls=4),
        served=4,
    ),
    Scenario(
        "django_savepoints",
        "three savepoints in a transaction, the last one undone; psycopg does not tell of BEGIN and COMMIT",
        "django",
        "django_app.py",
        ("GET /savepoints", "GET /savepoints"),
        truth({"GET savepoints": 10}, statements=4, calls=20),
        served=6,
    ),
    Scenario(
        "django_one_failure",
        "an error of a view passes Django's middleware, twice",
        "django",
        "django_app.py",
        ("GET /fail/1", "GET /fail/2"),
        truth({"GET fail/<int:number>": 0}, errors=2, groups=1),
    ),
    Scenario(
        "django_duplicate",
        "an insert that Postgres refuses passes a view and Django's middleware",
        "django",
        "django_app.py",
        ("GET /duplicate",),
        truth({"GET duplicate": 2}, errors=1, groups=1, statements=2, calls=2),
        served=1,
    ),
    Scenario(
        "django_refused",
        "404 and 400 by exceptions",
        "django",
        "django_app.py",
        ("GET /item/7", "GET /refused", "GET /nowhere"),
        truth({"GET item/<int:number>": 0, "GET refused": 0, "GET (no route)": 0}),
    ),
)

FLASK = (
    Scenario(
        "flask_n_plus_one",
        "eight books, then the author of each by lazy loading",
        "flask",
        "flask_app.py",
        ("GET /books",),
        truth({"GET /books": 9}, [8], statements=2, calls=9),
        served=9,
    ),
    Scenario(
        "flask_n_plus_one_traced_twice",
        "the same with SQLAlchemy and psycopg both traced",
        "flask",
        "flask_app.py",
        ("GET /books",),
        truth({"GET /books": 9}, [8], statements=2, calls=9),
        served=9,
        environment=(("TRACED_TWICE", "yes"),),
    ),
    Scenario(
        "flask_lists",
        "lists of one, two, four and seven values",
        "flask",
        "flask_app.py",
        ("GET /lists",),
        truth({"GET /lists": 4}, statements=1, calls=4),
        served=4,
    ),
    Scenario(
        "flask_savepoints",
        "three savepoints in a transaction, each with a look-up and an update",
        "flask",
        "flask_app.py",
        ("GET /savepoints",),
        truth({"GET /savepoints": 12}, statements=4, calls=12),
        served=6,
    ),
    Scenario(
        "flask_duplicate",
        "an insert that Postgres refuses passes SQLAlchemy, a view and Flask",
        "flask",
        "flask_app.py",
        ("GET /duplicate",),
        truth({"GET /duplicate": 1}, errors=1, groups=1, statements=1, calls=1),
    ),
    Scenario(
        "flask_duplicate_traced_twice",
        "the same with SQLAlchemy and psycopg both traced",
        "flask",
        "flask_app.py",
        ("GET /duplicate",),
        truth({"GET /duplicate": 1}, errors=1, groups=1, statements=1, calls=1),
        environment=(("TRACED_TWICE", "yes"),),
    ),
    Scenario(
        "flask_failures",
        "two views fail, one of them with different values; a 404 by an exception",
        "flask",
        "flask_app.py",
        ("GET /stock/1", "GET /stock/2", "GET /charge", "GET /item/7"),
        truth({"GET /stock/<int:number>": 0, "GET /charge": 0, "GET /item/<int:number>": 0}, errors=3, groups=2),
    ),
    Scenario(
        "flask_logged",
        "a view logs ten exceptions and answers all the same",
        "flask",
        "flask_app.py",
        ("GET /import",),
        truth({"GET /import": 0}, errors=10, groups=1),
    ),
)

FASTAPI = (
    Scenario(
        "fastapi_n_plus_one",
        "eight books, then the author of each, awaited",
        "fastapi",
        "fastapi_app.py",
        ("GET /books",),
        truth({"GET /books": 9}, [8], statements=2, calls=9),
        served=9,
    ),
    Scenario(
        "fastapi_n_plus_one_traced_twice",
        "the same with SQLAlchemy and asyncpg both traced, which tells of BEGIN and ROLLBACK",
        "fastapi",
        "fastapi_app.py",
        ("GET /books",),
        truth({"GET /books": 11}, [8], statements=4, calls=11),
        served=9,
        environment=(("TRACED_TWICE", "yes"),),
    ),
    Scenario(
        "fastapi_one_failure",
        "an error of a handler passes Starlette's middleware, which answers 500",
        "fastapi",
        "fastapi_app.py",
        ("GET /stock/1", "GET /stock/2"),
        truth({"GET /stock/{number}": 0}, errors=2, groups=1),
    ),
    Scenario(
        "fastapi_duplicate",
        "an insert that Postgres refuses passes SQLAlchemy, a handler and Starlette",
        "fastapi",
        "fastapi_app.py",
        ("GET /duplicate",),
        truth({"GET /duplicate": 1}, errors=1, groups=1, statements=1, calls=1),
    ),
    Scenario(
        "fastapi_generated_code",
        "two errors in code that SQLAlchemy 2.1 generated",
        "fastapi",
        "fastapi_app.py",
        ("GET /constructor", "GET /attribute"),
        truth({"GET /constructor": 0, "GET /attribute": 0}, errors=2, groups=2),
    ),
    Scenario(
        "fastapi_refused",
        "404 by an exception, 422 by the model of a body",
        "fastapi",
        "fastapi_app.py",
        ("GET /item/7", 'POST /items {"price": 3}'),
        truth({"GET /item/{number}": 0, "POST /items": 0}),
    ),
    Scenario(
        "fastapi_siblings",
        "ten spans side by side fail, each with the same time-out",
        "fastapi",
        "fastapi_app.py",
        ("GET /prices",),
        truth({"GET /prices": 0}, errors=10, groups=1),
    ),
    Scenario(
        "fastapi_clients",
        "three calls of a client side by side are refused",
        "fastapi",
        "fastapi_app.py",
        ("GET /suppliers",),
        truth({"GET /suppliers": 0}, errors=3, groups=1),
    ),
)

SERVICES = (
    Scenario(
        "two_services",
        "a shop asks the stock, which is once out of order, twice a payment that is not there, and itself",
        "services",
        "services_app.py",
        ("POST /orders/3", "POST /orders/4", "POST /orders/8", "POST /payments", "GET /own"),
        truth(
            {
                "POST /orders/{number}": 2,
                "POST /taken/{number}": 2,
                "POST /payments": 0,
                "GET /own": 0,
                "GET /nothing": 0,
            },
            errors=4,
            groups=3,
            statements=4,
            calls=12,
        ),
        served=6,
    ),
)

CELERY = (
    Scenario(
        "celery_batch",
        "six tasks that one trace started fail",
        "celery",
        "celery_app.py",
        ("POST /batch",),
        truth({"run/celery_tasks.send_mail": 0}, errors=6, groups=1),
    ),
    Scenario(
        "celery_tasks",
        "five tasks, each in a trace of its own, three of which fail for two reasons",
        "celery",
        "celery_app.py",
        ("POST /orders",),
        truth({"run/celery_tasks.send_mail": 0, "run/celery_tasks.print_label": 0}, errors=3, groups=2),
    ),
)

SCENARIOS = (*EXPRESS, *FASTIFY, *NEST, *APOLLO, *PG, *MAPPERS, *REDIS, *DJANGO, *FLASK, *FASTAPI, *SERVICES, *CELERY)
