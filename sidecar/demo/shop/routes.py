"""The shop's routes."""

import json
from http import HTTPStatus
from typing import Any

from aiohttp import web

from sidecar.demo.shop.cache import Cache
from sidecar.demo.shop.schema import Line
from sidecar.demo.shop.store import Store

STORE = web.AppKey("store", Store)
CACHE = web.AppKey("cache", Cache)

BROAD_WORD_LETTERS = 3

routes = web.RouteTableDef()


@routes.get("/healthz")
async def health(_request: web.Request) -> web.Response:
    """Answer 200 while the shop answers at all; its database being away is no reason to restart it."""
    return web.json_response({"status": "pass"})


@routes.get("/products")
async def list_products(request: web.Request) -> web.Response:
    """Answer all products, from the cache if they are there."""
    text = await request.app[CACHE].get_or_load("products", request.app[STORE].products)
    return web.json_response(text=text)


@routes.get("/products/{sku}")
async def show_product(request: web.Request) -> web.Response:
    """Answer one product, or 404."""
    sku = request.match_info["sku"]
    text = await request.app[CACHE].get_or_load(f"product:{sku}", lambda: request.app[STORE].product(sku))
    if text == "null":
        return _problem(HTTPStatus.NOT_FOUND, f"no product {sku}")
    return web.json_response(text=text)


@routes.get("/search")
async def search(request: web.Request) -> web.Response:
    """Answer the products with the word `q` in their name; slow for short words."""
    word = request.query.get("q", "")
    return web.json_response(await request.app[STORE].search(word, search_delay_seconds(word)))


@routes.get(r"/orders/{id:\d{1,18}}")
async def show_order(request: web.Request) -> web.Response:
    """Answer one order with its lines, or 404."""
    order = await request.app[STORE].order(int(request.match_info["id"]))
    if order is None:
        return _problem(HTTPStatus.NOT_FOUND, f"no order {request.match_info['id']}")
    return web.json_response(order)


@routes.post("/orders")
async def place_order(request: web.Request) -> web.Response:
    """Write the order `{"customer": ..., "lines": [{"sku": ..., "quantity": ...}]}`; 201, or 400 if it is none."""
    try:
        customer, lines = _read_order(await request.json())
    except (KeyError, TypeError, ValueError):
        return _problem(HTTPStatus.BAD_REQUEST, "not an order")
    order_id = await request.app[STORE].place_order(customer, lines)
    return web.json_response({"id": order_id}, status=HTTPStatus.CREATED)


def search_delay_seconds(word: str) -> float:
    """Return how much longer a search takes: 0.2 to 0.6 seconds for a word that matches too much, else nothing."""
    if len(word) > BROAD_WORD_LETTERS:
        return 0.0
    return 0.2 + 0.1 * (sum(word.encode()) % 5)


def _read_order(body: Any) -> tuple[str, list[Line]]:
    quantities = {str(line["sku"]): int(line["quantity"]) for line in body["lines"]}
    if not quantities or min(quantities.values()) < 1:
        raise ValueError(json.dumps(quantities))
    return str(body["customer"]), [Line(sku, quantity) for sku, quantity in quantities.items()]


def _problem(status: HTTPStatus, detail: str) -> web.Response:
    return web.json_response({"status": status, "detail": detail}, status=status)
