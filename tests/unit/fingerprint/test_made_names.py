"""Names that compilers, bundlers and frameworks make: one place is one whatever the build, two places are two."""

import pytest

from sidecar.fingerprint.stack import ErrorText, Grouping, grouping_of

_STACKS = {
    "webjs": "TypeError: x\n    at {} (https://shop.example.com/{}:1:2)",
    "nodejs": "Error: x\n    at {} ({}:1:2)\n    at post (/srv/api.js:1:2)",
    "java": "java.lang.E: x\n\tat {}.{}(Unknown Source)\n\tat shop.web.Api.post(Api.java:40)",
    "dotnet": "System.E: x\n   at {}.{}\n   at Shop.Web.Api.Post(Order order) in /src/Api.cs:line 7",
    "python": 'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in t\n  File "{}", line 2, in {}\nE: x',
    "php": "E: x in {}:3\nStack trace:\n#0 /srv/api.php(12): {}()\n#1 {{main}}",
    "erlang": "** (E) x\n    (shop 0.1.0) {}:1: {}\n    (shop 0.1.0) lib/api.ex:1: Shop.Api.post/1",
    "go": "main.{1}()\n\t{0}:3 +0x1f\nmain.post(0x1)\n\t/srv/api.go:3 +0x1",
    "rust": "   0: {1}\n             at {0}:1:1\n   1: shop::api::post\n             at /srv/src/api.rs:1:1",
    "cpp": " 0# {1} at {0}:3\n 1# shop::Api::post() at /srv/api.cpp:3",
}
"""What a language's stack traces look like, for two texts."""
_CHUNKS = "_next/static/chunks"
_VIEWS = "/storage/framework/views"


def _grouping(language: str, texts: tuple[str, str]) -> Grouping:
    return grouping_of("shop", ErrorText("E", "x", _STACKS[language].format(*texts), language))


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("webjs", ("add", "assets/index-legacy-DiwrgTda.js"), ("add", "assets/index-legacy-B3wrgTda.js")),
        ("webjs", ("add", "assets/cart-item-DiwrgTda.js"), ("add", "assets/cart-item-B3wrgTda.js")),
        ("webjs", ("add", "assets/cart.item-DiwrgTda.js"), ("add", "assets/cart.item-B3wrgTda.js")),
        ("webjs", ("add", f"{_CHUNKS}/src_cart_tsx_0a1b2c._.js"), ("add", f"{_CHUNKS}/src_cart_tsx_9a1b2c._.js")),
        ("webjs", ("add", f"{_CHUNKS}/%5Broot%5D__0a1b2c3d._.js"), ("add", f"{_CHUNKS}/[root]__9a1b2c3d._.js")),
        ("webjs", ("add", "_nuxt/3f2a9c1.js"), ("add", "_nuxt/9f2a9c1.js")),
        ("nodejs", ("add", "/srv/chunks/[root]__0a1b2c3d._.js"), ("add", "/srv/chunks/[root]__9a1b2c3d._.js")),
        ("java", ("com.shop.CartKt", "add$lambda-1"), ("com.shop.CartKt", "add$lambda-2")),
        ("java", ("com.shop.Cart$_add_lambda1", "doCall"), ("com.shop.Cart$_add_lambda2", "doCall")),
        ("dotnet", ("Shop.Cart", "Add() + 0x1f"), ("Shop.Cart", "Add() + 0x2f in /src/Cart.cs:line 4")),
        ("dotnet", (f"Shop.User_{'0A' * 32}", "get_Name()"), (f"Shop.User_{'1B' * 32}", "get_Name()")),
        ("dotnet", (f"Shop.<Cart>F{'0A' * 32}__Till", "Pay()"), (f"Shop.<Cart>F{'1B' * 32}__Till", "Pay()")),
        ("dotnet", ("Shop.Cart.<Shop-ICart-Add>d__4", "MoveNext()"), ("Shop.Cart.<Shop-ICart-Add>d__5", "MoveNext()")),
        ("python", ("/tmp/_MEIabc123/cart.py", "add"), ("/tmp/_MEI9x8y7z/cart.py", "add")),
        ("python", ("/tmp/tmpab12cd_x/cart.py", "add"), ("/tmp/tmpxy98zz_y/cart.py", "add")),
        ("python", ("/tmp/ipykernel_12/4711.py", "add"), ("/tmp/ipykernel_71/4711.py", "add")),
        ("php", ("/srv/ContainerAbc12De/x.php", "load"), ("/srv/ContainerXyz98Fg/x.php", "load")),
        ("php", (f"{_VIEWS}/{'0a' * 20}.php", "require"), (f"{_VIEWS}/{'1b' * 20}.php", "require")),
        ("php", ("/srv/a.php", "Mock_User_1a2b3c4d->name"), ("/srv/a.php", "Mock_User_9a8b7c6d->name")),
        ("php", ("/srv/a.php", "UserGhost1a2b3c4->name"), ("/srv/a.php", "UserGhost9a8b7c6->name")),
        ("erlang", ("lib/a.ex", 'Cart."add (overridable 1)"/1'), ("lib/a.ex", 'Cart."add (overridable 2)"/1')),
        ("go", ("/srv/a.go", "Add.deferwrap1"), ("/srv/a.go", "Add.deferwrap2")),
        ("rust", ("/srv/a.rs", "shop[0a1b2c3d4e5f6071]::add"), ("/srv/a.rs", "shop[9a1b2c3d4e5f6071]::add")),
        ("rust", ("/srv/a.rs", "shop::add::{async_fn#0}"), ("/srv/a.rs", "shop::add::{async_fn#1}")),
    ],
)
def test_one_place_is_one_in_every_build(language: str, first: tuple[str, str], second: tuple[str, str]) -> None:
    assert _grouping(language, first) == _grouping(language, second)


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("webjs", ("add", "assets/cart-item-B3wrgTda.js"), ("add", "assets/cart-list-B3wrgTda.js")),
        ("webjs", ("add", "assets/app-user-Nav.js"), ("add", "assets/app-shop-Bar.js")),
        ("webjs", ("add", f"{_CHUNKS}/app/a/%5Bid%5D/page.js"), ("add", f"{_CHUNKS}/app/b/%5Bid%5D/page.js")),
        ("nodejs", ("add", "/srv/my shop/cart.js"), ("add", "/srv/my shop/user.js")),
        ("nodejs", ("add", "/srv/bin/www"), ("add", "/srv/bin/worker")),
        ("dotnet", ("Shop.Cart.<Shop-ICart-Add>d__4", "MoveNext()"), ("Shop.Cart.<Shop-ICart-Put>d__4", "MoveNext()")),
        ("python", ("/srv/my shop/cart.py", "add"), ("/srv/my shop/user.py", "add")),
        ("php", ("/srv/ContainerBuilder/x.php", "load"), ("/srv/ContainerFactory/x.php", "load")),
        ("erlang", ("lib/a.ex", 'Cart."-add/2-fun-0-"/1'), ("lib/a.ex", 'Cart."-put/2-fun-0-"/1')),
        ("erlang", ("lib/a.ex", 'Cart."-inlined-add/2-"/1'), ("lib/a.ex", 'Cart."-inlined-put/2-"/1')),
        ("erlang", ("lib/a.ex", 'Cart."add (overridable 1)"/1'), ("lib/a.ex", 'Cart."put (overridable 1)"/1')),
        ("go", ("/srv/a.go", "Run.(*Cart).Add.func1"), ("/srv/a.go", "Run.(*Cart).Put.func1")),
        ("rust", ("/srv/a.rs", "shop::add::{async_fn#0}"), ("/srv/a.rs", "shop::put::{async_fn#0}")),
        ("cpp", ("/srv/a.cpp", "void shop::add<int>(int)"), ("/srv/a.cpp", "void shop::put<int>(int)")),
        ("cpp", ("/srv/a.cpp", "std::list<A> shop::add<int>()"), ("/srv/a.cpp", "std::list<A> shop::put<int>()")),
        ("cpp", ("/srv/a.cpp", "operator+(A const&, B const&)"), ("/srv/a.cpp", "operator-(A const&, B const&)")),
        ("cpp", ("/srv/a.cpp", "shop::add(int)::{lambda(int)#1}::operator()(int) const"),
                ("/srv/a.cpp", "shop::put(int)::{lambda(int)#1}::operator()(int) const")),
    ],
)  # fmt: skip
def test_two_places_are_two(language: str, first: tuple[str, str], second: tuple[str, str]) -> None:
    groupings = [_grouping(language, texts) for texts in (first, second)]
    assert groupings[0].fingerprint != groupings[1].fingerprint
    assert all(len(grouping.frames) == len(groupings[0].frames) for grouping in groupings)
