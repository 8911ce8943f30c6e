"""When certificates end."""

from sidecar.collect.redis.section import RedisServer
from sidecar.collect.redis.sections.tls import SECTION
from tests.unit.collect.redis.answering import NOW, server_of
from tests.unit.collect.scraping import values_of

VALKEY = {
    "tls_server_cert_serial": "0A",
    "tls_server_cert_expires_in_seconds": "100",
    "tls_client_cert_serial": "none",
    "tls_client_cert_expires_in_seconds": "0",
    "tls_ca_cert_serial": "0B",
    "tls_ca_cert_expires_in_seconds": "-5",
}
EXPIRY = 'sidecar_redis_tls_certificate_expiry_timestamp_seconds{{certificate="{}"}}'.format


def ends(server: RedisServer) -> dict[str, float]:
    return values_of(SECTION.convert(server))


def test_valkey_tells_of_its_certificates() -> None:
    assert ends(server_of(VALKEY)) == {EXPIRY("server"): NOW + 100, EXPIRY("ca"): NOW - 5}


def test_the_certificate_that_was_shown_is_exact() -> None:
    assert ends(server_of(VALKEY, certificate_expiry=NOW + 101.0))[EXPIRY("server")] == NOW + 101
    assert ends(server_of({}, certificate_expiry=NOW)) == {EXPIRY("server"): NOW}


def test_section_is_left_out_where_there_is_no_certificate() -> None:
    assert SECTION.applies is not None
    assert not SECTION.applies(server_of({}))
    assert not SECTION.applies(server_of({**VALKEY, "tls_server_cert_serial": "none", "tls_ca_cert_serial": "none"}))
    assert SECTION.applies(server_of(VALKEY))
