"""Redirects of a request with credentials: which are followed, and what is told of the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.peer.redirect import redirected_url
from sidecar.model.errors import TargetError

URL = "http://am:9093/base/api/v2/alerts"


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/other", "http://am:9093/other"),
        ("other?a=b#c", "http://am:9093/base/api/v2/other?a=b"),
        ("http://am:9093/base/api/v2/alerts/", "http://am:9093/base/api/v2/alerts/"),
        ("HTTP://AM:9093/x", "http://am:9093/x"),
        ("//am:9093/x", "http://am:9093/x"),
        ("http://u:canary@am:9093/x", "http://am:9093/x"),
        ("http://am:9093", "http://am:9093"),
    ],
)
def test_the_same_request_goes_to_another_path_of_the_same_server(status: int, location: str, url: str) -> None:
    assert redirected_url(URL, status, location) == url


@pytest.mark.parametrize(("url", "location"), [("http://am/x", "http://am:80/y"), ("https://am:443/x", "https://am/y")])
def test_the_usual_port_is_the_same_port_written_or_not(url: str, location: str) -> None:
    assert redirected_url(url, 307, location).endswith("/y")


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://am:9093/x", "https://am:9093"),
        ("http://am/x", "http://am"),
        ("http://other:9093/x?token=canary", "http://other:9093"),
        ("//other/canary", "http://other"),
        ("http://am:9093@other/", "http://other"),
        ("http://canary:canary@other:1/", "http://other:1"),
        (r"http://am:9093\@other/", "http://other"),
        ("http://am.:9093/", "http://am.:9093"),
        ("file:///etc/canary", "file://"),
        ("http://" + "x" * 5000, "http://" + "x" * 93),
    ],
)
def test_another_server_is_refused_and_named_without_the_rest(location: str, told: str) -> None:
    with pytest.raises(TargetError) as caught:
        redirected_url(URL, 307, location)
    assert f"`{told}`, which is another server" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_may_change_the_request_is_refused(status: int) -> None:
    with pytest.raises(TargetError, match=f"status {status}, a redirect to `http://am:9093`: only 307 and 308"):
        redirected_url(URL, status, "/other")


@pytest.mark.parametrize(
    "location", ["", "\udcff", "http://am:9093/\x00", "http://[::1", "http://am:99999/", "http://am:x/"]
)
def test_a_redirect_that_cannot_be_read_is_refused(location: str) -> None:
    with pytest.raises(TargetError, match=r"does not say where to|cannot be read"):
        redirected_url(URL, 308, location)


PARTS = st.sampled_from(
    ["http", "https", ":", "/", "//", "\\", "@", "am", "am:9093", "other", "?", "#", "[", "]", ".."]
)


@given(st.one_of(st.text(), st.lists(PARTS, max_size=10).map("".join)))
def test_no_redirect_leads_to_another_server(location: str) -> None:
    try:
        url = redirected_url(URL, 307, location)
    except TargetError as error:
        str(error).encode()
    else:
        assert url == "http://am:9093" or url.startswith(("http://am:9093/", "http://am:9093?"))
