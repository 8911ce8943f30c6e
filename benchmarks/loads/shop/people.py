"""Who calls the shop: from which addresses, with which programs, by which names."""

from random import Random

HOSTS = (
    "shop.example.com",
    "www.shop.example.com",
    "api.shop.example.com",
    "m.shop.example.com",
    "admin.shop.example.com",
)
CLIENTS = 5_000
TENANTS = 400

_SYSTEMS = (
    "X11; Linux x86_64",
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "Linux; Android 14; Pixel 8",
    "iPhone; CPU iPhone OS 18_1 like Mac OS X",
)
_ENGINE = "AppleWebKit/537.36 (KHTML, like Gecko)"

USER_AGENTS = (
    *(f"Mozilla/5.0 ({on}) {_ENGINE} Chrome/{v}.0.0.0 Safari/537.36" for on in _SYSTEMS for v in range(126, 134)),
    *(f"Mozilla/5.0 ({on}; rv:{v}.0) Gecko/20100101 Firefox/{v}.0" for on in _SYSTEMS[:3] for v in range(128, 134)),
    *(f"ShopApp/{major}.{minor} (Android; build {major}{minor}07)" for major in (5, 6) for minor in range(8)),
    "kube-probe/1.31",
    "python-requests/2.32.3",
    "okhttp/4.12.0",
    "Go-http-client/2.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)


def client_address(random: Random) -> str:
    """Return the address of one of CLIENTS, of whom some come far more often than others."""
    number = int(CLIENTS * random.random() ** 3) * 7919 % 65_536
    return f"203.{number % 7}.{number >> 8}.{number & 0xFF}"


def user_id(random: Random) -> int:
    """Return the number of a user who is signed in."""
    return 10_000 + random.randrange(50_000)


def tenant(random: Random) -> str:
    """Return the name of a customer."""
    return f"tenant-{int(TENANTS * random.random() ** 2):03d}"


def sku(random: Random) -> str:
    """Return the number of an article."""
    return f"SKU-{random.randrange(30_000):05d}"
