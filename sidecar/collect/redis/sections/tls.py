"""When certificates end."""

from collections.abc import Iterable

from sidecar.collect.redis.section import RedisServer, Section, number_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

EXPIRY = Family(
    "sidecar_redis_tls_certificate_expiry_timestamp_seconds",
    MetricType.GAUGE,
    "When the certificate ends, Unix time: the one the server shows, and those Valkey 9.1 tells about.",
    ("certificate",),
)


def expiries(server: RedisServer) -> dict[str, float]:
    """Return the Unix times by certificate; the one we saw is exact, what INFO tells counts from its arrival."""
    times = {}
    for certificate in ("server", "client", "ca"):
        left = number_of(server.info.get(f"tls_{certificate}_cert_expires_in_seconds"))
        if left is not None and server.info.get(f"tls_{certificate}_cert_serial") != "none":
            times[certificate] = float(round(server.now + left))
    if server.certificate_expiry is not None:
        times["server"] = server.certificate_expiry
    return times


def convert(server: RedisServer) -> Iterable[FamilySamples]:
    """Return when each certificate ends."""
    samples = [Sample(EXPIRY.name, (("certificate", name),), time) for name, time in expiries(server).items()]
    yield FamilySamples(EXPIRY, samples)


SECTION = Section("tls", (EXPIRY,), convert, applies=lambda server: bool(expiries(server)))
