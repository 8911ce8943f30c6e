"""Workloads of spans: what apps send, and what they should not, each the same every time."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any
from zlib import crc32

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.workloads.building import ERROR, NANO, OK, Maker, of_service
from tests.workloads.posts import Made, Post, Service, post, posts
from tests.workloads.rewritten import with_fields_reversed, with_unknown_fields

SHOP = Service()
MAIL = Service("mail", "nodejs", "2.1.0")
STOCK = Service("stock", "java", "")


def bodies_of_one(make: Maker) -> Iterator[Post]:
    yield from posts(make.requests(60, (SHOP, MAIL)), 1, 0.05)


def bodies_of_four(make: Maker) -> Iterator[Post]:
    yield from posts(make.requests(80, (SHOP, MAIL)), 4, 0.07)


def bodies_of_a_hundred(make: Maker) -> Iterator[Post]:
    yield from posts(make.requests(120, (SHOP, MAIL), calls=8), 100, 0.4)


def bodies_of_a_thousand(make: Maker) -> Iterator[Post]:
    """With a trace of more spans than are kept of one."""
    large = make.request(SHOP, 1_100, code=500)
    yield from posts([*large, *make.requests(110, (SHOP, MAIL), calls=8)], 1000, 1.0)


def traces_over_bodies(make: Maker) -> Iterator[Post]:
    """Each trace in up to four bodies, and some without the span that made its calls."""
    spans = make.requests(60, (SHOP, MAIL), calls=6)
    lost = [made for made in spans if made.span.name == "work"][::4]
    spans = [made for made in spans if made not in lost]
    for number in range(4):
        yield post(number * 0.9, [made for place, made in enumerate(spans) if place % 4 == number])


def children_first(make: Maker) -> Iterator[Post]:
    """The root seconds after the calls, and all in reverse."""
    spans = make.requests(60, (SHOP, MAIL), calls=6)
    roots = [made for made in spans if not made.span.parent_span_id]
    yield post(0.0, reversed([made for made in spans if made.span.parent_span_id]))
    yield post(3.5, reversed(roots))


def late_spans(make: Maker) -> Iterator[Post]:
    """Spans of traces that were decided on, one dropped trace at a time; and traces without a root."""
    slow = [make.request(SHOP, 1, route="/a", code=200, method="GET", seconds=9.5 + number) for number in range(5)]
    yield post(0.0, chain.from_iterable(slow))
    for number in range(12):
        code = 500 if number % 3 == 0 else 200
        spans = make.request(SHOP, 2, route="/a", code=code, method="GET", seconds=0.01 + number / 1000)
        late = make.span("flush", "INTERNAL", spans[-1].span.trace_id, spans[-1].span)
        yield post(2.0 * number + 0.5, spans)
        yield post(2.0 * number + 6.7, of_service(SHOP, [late]))
    orphans = [make.query(make.trace(), make.random.randbytes(8)) for _ in range(6)]
    late_root = make.server(orphans[-1].trace_id, seconds=3.0, span_id=orphans[-1].parent_span_id, route="/late")
    yield post(0.6, of_service(SHOP, orphans))
    yield post(33.0, of_service(SHOP, [late_root]))


def odd_ids(make: Maker) -> Iterator[Post]:
    """Ids of zeros, of other lengths, none at all, and a span that is its own parent."""
    trace, zeros = make.trace(), bytes(16)
    odd_traces = (b"", zeros, bytes(8), b"short", make.random.randbytes(15), make.random.randbytes(17), b"x" * 300)
    odd_spans = (b"", bytes(8), b"short", make.random.randbytes(7), make.random.randbytes(9), b"y" * 300)
    spans: list[Span] = []
    for odd in odd_traces:
        root = make.server(odd, route="/odd", code=500)
        spans += [make.query(odd, root), root]
    for odd in odd_spans:
        root = make.server(make.trace(), odd, route="/rootless")
        spans += [make.query(root.trace_id, odd, span_id=odd), make.span("work", "INTERNAL", root.trace_id, odd), root]
    own = make.random.randbytes(8)
    spans += [make.span("loop", "INTERNAL", trace, own, span_id=own), make.query(trace, own)]
    spans += [make.query(trace, b"", f"SELECT {number} FROM items") for number in range(8)]
    yield post(0.0, of_service(SHOP, spans))
    yield post(1.0, make.request(SHOP, 2))


def odd_wire(make: Maker) -> Iterator[Post]:
    """Fields in reverse, fields that nobody knows, and the same as every encoder writes them."""
    rewrites: tuple[Callable[[bytes], bytes], ...] = (with_fields_reversed, with_unknown_fields, bytes)
    for number, rewrite in enumerate(rewrites):
        spans = [*make.requests(30, (SHOP, MAIL)), *of_service(SHOP, _errors(make))]
        yield post(number * 1.2, spans, rewrite)


def all_kinds(make: Maker) -> Iterator[Post]:
    """Every kind with every status and the codes of HTTP, RPC and messages, each under a name of its own."""
    kinds = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
    spans: list[Span] = []
    for kind in kinds:
        for status in (0, OK, ERROR):
            spans += [
                make.span(f"{kind} {number}", kind, make.trace(), status=status, attributes=said)
                for number, said in enumerate(_calls())
            ]
        unknown = make.span("beyond", kind, make.trace(), attributes={"http.response.status_code": 500})
        unknown.kind, unknown.status.code = 7, 5  # type: ignore[assignment]
        spans.append(unknown)
    yield from posts(of_service(SHOP, spans), 70, 0.5)


def _calls() -> Iterator[dict[str, object]]:
    for code in (200, "404", 500, 200.0, 99, 1000):
        yield {"http.request.method": "get", "http.response.status_code": code, "http.route": "/x/{id}"}
    yield {"http.method": "PURGE", "http.status_code": 503, "http.url": "https://user@cdn.example:8443/x?y"}
    yield {"http.scheme": "ws"}
    for code in (0, 2, 5, "NotFound", "UNAVAILABLE", "-32603", "7777"):
        yield {"rpc.system": "grpc", "rpc.service": "Stock", "rpc.method": "Take", "rpc.grpc.status_code": code}
    yield {"rpc.method": "shop.Stock/Take", "rpc.response.status_code": "DEADLINE_EXCEEDED"}
    yield {"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.type": "receive"}
    yield {"messaging.system": "rabbitmq", "messaging.destination.temporary": True, "messaging.destination.name": "q1"}
    yield {"messaging.destination": "celery"}
    yield {"db.system": "mongodb", "db.operation": "find", "db.mongodb.collection": "users", "peer.service": "db"}


def errors_of_many_kinds(make: Maker) -> Iterator[Post]:
    """Exceptions with stacks, chained, without; statuses, codes; on their way up; the same in siblings."""
    for number in range(8):
        yield post(number * 1.7, of_service(SHOP, _errors(make)))
        yield post(number * 1.7 + 0.5, of_service(MAIL, _on_its_way_up(make)))


def _errors(make: Maker) -> list[Span]:
    fail: dict[str, object] = {"status": ERROR}
    chained = make.exception("IntegrityError", "duplicate key")
    chained[1]["exception.stacktrace"] += (
        "\nDuring handling of the above exception, another exception occurred:\n\n"
        + make.exception("SaveError", "not saved", "save")[1]["exception.stacktrace"]
    )
    told: list[dict[str, object]] = [
        {"events": [make.exception("ValueError", f"bad id {make.random.randrange(99)}")], **fail},
        {"events": [make.exception("shop.errors.Empty", "no items", stack=False)], **fail},
        {"events": [chained], **fail},
        {"events": [make.exception("KeyError", "'a'"), make.exception("TypeError", "no", "cart")], **fail},
        {"events": [("exception", {"exception.message": "23505 duplicate key"})], "message": "insert failed", **fail},
        {"events": [("retry", {"attempt": 1})], "message": "TimeoutError: no answer", **fail},
        {"events": [make.exception("Ignored", "handled")]},
        {"message": "ECONNREFUSED 127.0.0.1:5432", **fail},
        {"attributes": {"error.type": "card_declined"}, **fail},
        {"attributes": {"error.fingerprint": "checkout"}, "message": "it failed", **fail},
        fail,
    ]
    return [
        make.span(f"job {number % 4}", ("INTERNAL", "SERVER", "CLIENT")[number % 3], make.trace(), **of)  # type: ignore[arg-type]
        for number, of in enumerate(told)
    ]


def _on_its_way_up(make: Maker) -> list[Span]:
    """One failure on three spans, its root status-only; ten siblings with one exception; an expected 404."""
    trace = make.trace()
    event = make.exception("TimeoutError", "no answer from stock", "reserve")
    root = make.server(trace, route="/checkout", code=500, status=ERROR)
    work = make.span("reserve", "INTERNAL", trace, root, status=ERROR, events=[event])
    call = make.call(trace, work, code=503, status=ERROR, events=[event])
    many = make.server(make.trace(), route="/many", code=200)
    siblings = [
        make.span("one of many", "INTERNAL", many.trace_id, many, status=ERROR, events=[event]) for _ in range(10)
    ]
    expected = make.call(many.trace_id, many, code=404)
    return [call, work, root, *siblings, expected, many]


def sampled(make: Maker) -> Iterator[Post]:
    """Traces that stand for others, by thresholds and randomness, and states that contradict themselves."""
    states: tuple[str, ...] = (
        "ot=th:8",
        "ot=th:c",
        "ot=rv:ffffffffffffff;th:8",
        "ot=rv:00000000000000;th:8",
        "a=b, ot=th:4;p:1",
    )
    states += ("", "ot=p:3", "ot=th:", "ot=th:zz", "congo=t61", "ot=th:fffffffffffffff", "ot=th:0")
    spans: list[Made] = []
    for number in range(100):
        trace = make.request(SHOP, number % 4)
        event = make.exception("ValueError", f"in {number % 7}", f"place{number % 7}")
        trace.append(Made(SHOP, make.span("w", "INTERNAL", trace[0].span.trace_id, status=ERROR, events=[event])))
        for made in trace:
            made.span.trace_state = states[number % len(states)]
        spans += trace
    yield from posts(spans, 90, 0.6)


def many_services(make: Maker) -> Iterator[Post]:
    """More services than series are told apart by."""
    services = [Service(f"service-{number}", "go", "") for number in range(14)]
    yield from posts(make.requests(150, (*services, Service("", "", ""))), 110, 0.8)


def repetition(make: Maker) -> Iterator[Post]:
    """One query after the other, many at once, too few, too quick; of caches; below a span of their own."""
    spans: list[Made] = []
    for number in range(24):
        trace, now = make.trace(), round(make.now * NANO)
        route = ("/slow-list", "/fan-out", "/few", "/quick", "/cache", "/resolvers")[number % 6]
        root = make.server(trace, route=route, code=200, seconds=1.5)
        work = make.span("load", "INTERNAL", trace, root)
        count = {"/few": 4, "/cache": 12}.get(route, 7 + number // 6)
        took = 0.001 if route == "/quick" else 0.02
        apart = 0.0 if route == "/fan-out" else 0.03
        calls: list[Span] = []
        for place in range(count):
            start = now - round((1.4 - apart * place) * NANO)
            caller = work
            if route == "/resolvers":
                caller = make.span(f"resolve {place}", "INTERNAL", trace, root)
                calls.append(caller)
            of = {"start": start, "end": start + round(took * NANO)}
            cached = route == "/cache"
            text = f"GET item:{place}" if cached else f"SELECT * FROM items WHERE order_id = {place}"
            calls.append(make.query(trace, caller, text, system="redis" if cached else "postgresql", **of))
        spans += of_service(SHOP, [*calls, make.query(trace, root), work, root])
    yield from posts(spans, 64, 0.3)


def mappers(make: Maker) -> Iterator[Post]:
    """A mapper's span around its driver's, waits for a pool, and new connections."""
    spans: list[Made] = []
    said = {"db.system.name": "postgres"}
    for number in range(40):
        trace = make.trace()
        root = make.server(trace, route="/books", code=200)
        parts: list[Span] = []
        for place in range(number % 3 + 1):
            text = f'SELECT "b"."id" FROM "books" "b" WHERE "b"."id" = {place}'
            mapper = make.query(trace, root, text, attributes={"db.system": "postgres", "db.sql.table": "books"})
            parts.append(make.span("pg-pool.connect", "CLIENT", trace, mapper, attributes=said))
            if place == 0:
                parts.append(make.span("pg.connect", "CLIENT", trace, parts[-1], attributes=said))
            parts += [make.query(trace, mapper, text), mapper]
        spans += of_service(MAIL, [*parts, root])
    yield from posts(spans, 75, 0.5)


def batches(make: Maker) -> Iterator[Post]:
    """Pipelines, batches, transactions, and what drivers send of themselves."""
    texts = ("BEGIN", "COMMIT", "SELECT 1", "SET search_path = x", "DISCARD ALL", "SAVEPOINT s1_x2", "SHOW x")
    spans: list[Made] = []
    for number in range(40):
        trace = make.trace()
        root = make.server(trace, route="/import", code=200)
        size = {"db.operation.batch.size": number + 2}
        piped = {"db.redis.pipeline_length": 3}
        parts = [make.query(trace, root, text) for text in texts]
        parts.append(make.query(trace, root, f"INSERT INTO items VALUES ({number})", attributes=size))
        parts.append(make.query(trace, root, "SET a 1\nSET b 2", system="redis", attributes=piped))
        parts.append(make.query(trace, root, "PING", system="redis"))
        parts += [make.query(trace, root, "EVAL x", system="valkey") for _ in range(12)]
        spans += of_service(SHOP, [*parts, root])
    yield from posts(spans, 120, 0.4)


def flood_of_shapes(make: Maker) -> Iterator[Post]:
    """More routes and peers than a metric has series for, in fewer samples than all metrics may have together."""
    spans: list[Span] = []
    for number in range(210):
        root = make.server(make.trace(), route=f"/made/{number}", code=200)
        spans += [make.call(root.trace_id, root, host=f"host{number}"), root]
    yield from posts(of_service(SHOP, spans), 130, 0.9)


def flood_of_statements(make: Maker) -> Iterator[Post]:
    spans: list[Span] = []
    for number in range(350):
        root = make.server(make.trace(), route="/search", code=200)
        spans += [make.query(root.trace_id, root, f"SELECT a{number} FROM t{number} WHERE b = {number}"), root]
    yield from posts(of_service(SHOP, spans), 100, 0.5)


def flood_of_traces(make: Maker) -> Iterator[Post]:
    """A trace for each span, half of which fail, and half of these without a root."""
    spans = [make.server(make.trace(), route="/one", code=500 if number % 2 else 200) for number in range(600)]
    orphans = [make.query(make.trace(), make.random.randbytes(8), status=ERROR) for _ in range(200)]
    yield from posts(of_service(SHOP, [*spans, *orphans]), 400, 1.1)


def odd_times(make: Maker) -> Iterator[Post]:
    """No times, an end before the start, clocks that are years off, work that took months."""
    now, day = round(make.now * NANO), 86_400 * NANO
    times = [(0, 0), (0, now), (now, 0), (now, now - NANO), (now + 9 * day, now + 9 * day + NANO), (5, 6), (5, now)]
    times += [(now - 40 * day, now), (now - 20 * day, now), (now + day, now + day + 2 * 3600 * NANO)]
    times += [(now - 3600 * NANO, now), (2**64 - 10, 2**64 - 1), (1, 2**64 - 1), (now // 1000, now // 1000 + 1)]
    spans: list[Span] = []
    for start, end in times:
        root = make.server(make.trace(), route="/clock", code=500, start=start, end=end)
        query = make.query(root.trace_id, root, start=start, end=end)
        event = make.exception("ClockError", "which day is it")
        work = make.span("tick", "INTERNAL", root.trace_id, root, start=start, end=end, status=ERROR, events=[event])
        spans += [query, work, root]
    yield from posts(of_service(SHOP, spans), 21, 1.0)
    yield post(3.0, make.request(SHOP, 2))


def huge_attributes(make: Maker) -> Iterator[Post]:
    """Values, names, statements and stack traces far beyond what is kept, lists and maps, and very many of them."""
    spans: list[Span] = []
    for number in range(12):
        root = make.server(make.trace(), route="/" + "long/" * 80, code=500, attributes={"note": "n" * 50_000})
        columns = ", ".join(f"column_{place}" for place in range(300))
        many = {f"key.{place}": place for place in range(120)}
        odd = {"list": ["a", 1, True, None], "map": {"x": {"y": b"z"}}, "nothing": None, "half": 0.5}
        query = make.query(root.trace_id, root, f"SELECT {columns} FROM t WHERE a = {number}", attributes=many)
        named = make.span("name " * 200, "CLIENT", root.trace_id, root, attributes=odd)
        event = make.exception("TooLong", "m" * 5_000)
        spans += [query, named, make.span("w", "INTERNAL", root.trace_id, root, status=ERROR, events=[event]), root]
    yield from posts(of_service(SHOP, spans), 8, 0.7)


def two_services(make: Maker) -> Iterator[Post]:
    """One calls another within a trace, which fails now and then; they send on their own."""
    by_service: dict[Service, list[Made]] = {SHOP: [], STOCK: []}
    for number in range(60):
        trace, fails = make.trace(), number % 6 == 0
        root = make.server(trace, route="/buy", code=500 if fails else 200, seconds=0.4 + number / 1000, flags=0x101)
        call = make.call(trace, root, code=500 if fails else 200, host="stock", flags=0x101)
        remote = make.server(trace, call, route="/take/{id}", code=500 if fails else 200, flags=0x301)
        event = [make.exception("LockTimeout", "row is locked", "take")] if fails else []
        inner = make.span("lock", "INTERNAL", trace, remote, status=ERROR if fails else 0, events=event, flags=0x101)
        by_service[SHOP] += of_service(SHOP, [make.query(trace, root), call, root])
        by_service[STOCK] += of_service(STOCK, [make.query(trace, remote), make.query(trace, inner), inner, remote])
    for number, services in enumerate((SHOP, STOCK)):
        yield from posts(by_service[services], 80, 1.0, at=number * 0.35)


def jobs(make: Maker) -> Iterator[Post]:
    """Ten jobs under the trace of the request that started them, and jobs that nobody started."""
    spans: list[Made] = []
    for number in range(12):
        trace = make.trace()
        root = make.server(trace, route="/enqueue", code=200)
        spans += of_service(SHOP, [make.query(trace, root), root])
        for place in range(10):
            name = ("orders", "mails")[place % 2]
            said = {"messaging.destination.name": name}
            send = make.span(f"{name} publish", "PRODUCER", trace, root, attributes=said)
            event = [make.exception("JobError", "no stock", "work")] if number % 3 == 0 else []
            status = ERROR if event else 0
            job = make.span(f"{name} process", "CONSUMER", trace, send, attributes=said, events=event, status=status)
            spans += of_service(SHOP, [send])
            spans += of_service(STOCK, [make.query(trace, job), make.query(trace, job), job])
        alone = make.span("nightly", "INTERNAL", make.trace())
        spans += of_service(STOCK, [make.query(alone.trace_id, alone) for _ in range(7)] + [alone])
    yield from posts(spans, 150, 0.8)


def any_trees(make: Maker) -> Iterator[Post]:
    """Trees of spans of any kind that fail in any way, of two services, in bodies over twenty seconds."""
    made: list[Made] = []
    for _ in range(150):
        trace, random = make.trace(), make.random
        code = random.choice((200, 404, 422, 500))
        tree = [make.server(trace, route="/any", code=code, status=ERROR if code == 500 else 0)]
        services = [random.choice((SHOP, STOCK))]
        for number in range(random.randrange(14)):
            place = random.randrange(len(tree))
            tree.append(_any_span(make, trace, tree[place], number))
            services.append(random.choice((*(services[place],) * 9, SHOP, STOCK)))
        made += [Made(service, span) for service, span in zip(services, tree, strict=True)]
    make.random.shuffle(made)
    yield from posts(made, 60, 1.0)


def _any_span(make: Maker, trace: bytes, parent: Span, number: int) -> Span:
    """Return a span that may fail: with an exception, one without a type, a status only, with or without a text."""
    text = make.random.choice(("no answer", "row is locked"))
    typed = make.exception(make.random.choice(("TimeoutError", "SaveError")), f"{text} from stock")
    failures: tuple[dict[str, Any], ...] = (
        {"events": [typed], "status": ERROR},
        {"events": [typed], "status": ERROR, "message": text},
        {"events": [("exception", {"exception.message": "it failed"})], "status": ERROR, "message": text},
        {"events": [("exception", {"exception.message": f"it failed: {text}"})], "status": ERROR, "message": text},
        {"status": ERROR, "message": text},
        {"status": ERROR},
    )
    of: dict[str, Any] = make.random.choice(failures) if make.random.random() < 0.5 else {}
    kind = make.random.choice(("work", "work", "query", "query", "call", "job", "serve"))
    if kind == "query":
        return make.query(trace, parent, make.random.choice(("", "BEGIN", "SELECT 1")), **of)
    if kind == "call":
        return make.call(trace, parent, code=make.random.choice((200, 404, 503)), **of)
    if kind == "serve":
        return make.server(trace, parent, route="/within", code=make.random.choice((200, 409, 500)), **of)
    return make.span(f"{kind} {number}", "CONSUMER" if kind == "job" else "INTERNAL", trace, parent, **of)


def callers_of_repetition(make: Maker) -> Iterator[Post]:
    """One query for a request by one span, by spans of one name, of one but for numbers, of several, below mappers."""
    spans: list[Made] = []
    for number in range(36):
        trace, now = make.trace(), round(make.now * NANO)
        way = ("one", "one name", "numbers", "names", "nested", "mappers")[number % 6]
        apart = (0.0, 0.05)[number // 6 % 2]
        root = make.server(trace, route=f"/{way}", code=200, seconds=2.0)
        work = make.span("load", "INTERNAL", trace, root)
        parts = [work, root]
        for place in range(3 + number // 4):
            name = {"one name": "resolve", "numbers": f"books.{place}.author"}.get(way, f"step {'abcdefghijkl'[place]}")
            caller = work if way == "one" else make.span(name, "INTERNAL", trace, work)
            if way == "nested" and place:
                caller = make.span(name, "INTERNAL", trace, parts[-2])
            start = now - round((1.9 - apart * place) * NANO)
            text, of = f"SELECT * FROM items WHERE id = {place}", dict[str, Any](start=start, end=start + NANO // 50)
            mapper = make.query(trace, caller, text, **of)
            parts += [caller] * (caller is not work) + [mapper]
            parts += [make.query(trace, mapper, text, **of)] if way == "mappers" else []
        spans += of_service(SHOP, parts)
    yield from posts(spans, 90, 0.4)


WORKLOADS: dict[str, Callable[[Maker], Iterable[Post]]] = {
    of.__name__: of
    for of in (
        bodies_of_one,
        bodies_of_four,
        bodies_of_a_hundred,
        bodies_of_a_thousand,
        traces_over_bodies,
        children_first,
        late_spans,
        odd_ids,
        odd_wire,
        all_kinds,
        errors_of_many_kinds,
        sampled,
        many_services,
        repetition,
        mappers,
        batches,
        flood_of_shapes,
        flood_of_statements,
        flood_of_traces,
        odd_times,
        huge_attributes,
        two_services,
        jobs,
        any_trees,
        callers_of_repetition,
    )
}


def workload(name: str) -> list[Post]:
    """Return the requests of a workload in the order in which they are sent."""
    return sorted(WORKLOADS[name](Maker(crc32(name.encode()))), key=lambda post: post.at)
