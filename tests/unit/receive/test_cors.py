"""Which web pages may send: none unless configured, and then those that are."""

from typing import Any

import pytest

from tests.unit.receive.served import JSON, json_of

SHOP = "https://shop.example"
ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-api-key"}


async def preflight(served: Any, origin: str, path: str = "/v1/traces", **more: str) -> tuple[int, Any]:
    headers = {"Origin": origin, **ASKING, **more}
    async with served.client.options(served.url + path, headers=headers) as response:
        return response.status, response.headers


async def test_by_default_no_page_may_send(serve: Any) -> None:
    served = await serve()
    status, headers = await preflight(served, SHOP)
    assert status == 405
    assert not [name for name in headers if name.startswith("Access-Control")]
    _, _, headers = await served.post(json_of(1), Content_Type=JSON, Origin=SHOP)
    assert not [name for name in headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("allowed", [[SHOP], ["https://other.example", f"{SHOP}/"], ["*"]])
async def test_a_page_of_an_allowed_origin_may_send_and_read_the_answer(serve: Any, allowed: list[str]) -> None:
    served = await serve(http={"cors_allowed_origins": allowed})
    status, headers = await preflight(served, SHOP)
    assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (204, SHOP, "Origin")
    assert headers["Access-Control-Allow-Methods"] == "POST"
    assert headers["Access-Control-Allow-Headers"] == "content-type, x-api-key"
    for body, expected in ((json_of(1), 200), (b"{", 400)):
        status, _, headers = await served.post(body, Content_Type=JSON, Origin=SHOP)
        assert (status, headers["Access-Control-Allow-Origin"]) == (expected, SHOP)
    assert served.counted("sidecar_otlp_requests_total", transport="http", signal="traces", code="204") == 1


@pytest.mark.parametrize(
    "origin", ["https://shop.example.evil", "http://shop.example", "null", "https://shop.example:8443"]
)
async def test_another_origin_may_not(serve: Any, origin: str) -> None:
    served = await serve(http={"cors_allowed_origins": [SHOP]})
    status, headers = await preflight(served, origin)
    assert (status, "Access-Control-Allow-Origin" in headers) == (405, False)


async def test_options_that_are_no_preflight_and_paths_that_are_none_are_refused(serve: Any) -> None:
    served = await serve(http={"cors_allowed_origins": ["*"]})
    async with served.client.options(served.url + "/v1/traces", headers={"Origin": SHOP}) as response:
        assert response.status == 405
    assert (await preflight(served, SHOP, "/v1/nothing"))[0] == 404
