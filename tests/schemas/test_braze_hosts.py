"""Where a Braze key may be sent."""

import pytest

from schemas.braze_hosts import INSTANCES, REST_HOST_OF_DASHBOARD, UnknownHost, rest_endpoint


def test_every_published_instance_is_known() -> None:
    """Eight of the first naming, and seven later ones."""
    assert len(REST_HOST_OF_DASHBOARD) == 15
    assert all(host.startswith("rest.") for host in REST_HOST_OF_DASHBOARD.values())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://rest.iad-01.braze.com", "https://rest.iad-01.braze.com"),
        ("  https://REST.iad-01.braze.com/  ", "https://rest.iad-01.braze.com"),
        ("rest.fra-02.braze.eu", "https://rest.fra-02.braze.eu"),
        ("https://rest.us-10.braze.com:443/users/track", "https://rest.us-10.braze.com"),
        ("https://dashboard-03.braze.com/app_settings/developer", "https://rest.iad-03.braze.com"),
        ("https://dashboard-01.braze.eu", "https://rest.fra-01.braze.eu"),
        ("dashboard.au-01.braze.com", "https://rest.au-01.braze.com"),
    ],
)
def test_what_people_copy_becomes_the_rest_endpoint(written: str, meant: str) -> None:
    """Most people copy the address of their dashboard."""
    assert rest_endpoint(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "http://rest.iad-01.braze.com",
        "https://rest.iad-01.braze.com:8443",
        "https://rest.iad-01.braze.com.example.org",
        "https://user:pass@rest.iad-01.braze.com",
        "https://rest.iad-01.braze.com@example.org",
        "https://example.org/rest.iad-01.braze.com",
        "https://rest.iad-09.braze.com",
        "http://127.0.0.1:8001",
        "ftp://rest.iad-01.braze.com",
        "https://[broken",
        "https://rest.iad-01.braze.com:port",
        "",
    ],
)
def test_a_key_goes_nowhere_else(written: str) -> None:
    """A setup form is the easiest place to steal a key from."""
    with pytest.raises(UnknownHost):
        rest_endpoint(written)


@pytest.mark.parametrize(
    ("written", "likely"),
    [
        ("https://sdk.iad-03.braze.com", "https://rest.iad-03.braze.com"),
        ("https://rest.fra-01.braze.com", "https://rest.fra-01.braze.eu"),
    ],
)
def test_a_near_miss_is_told_what_is_probably_meant(written: str, likely: str) -> None:
    """These two mistakes are the usual ones."""
    with pytest.raises(UnknownHost, match=likely):
        rest_endpoint(written)


def test_extra_hosts_are_taken_as_they_are() -> None:
    """Dedicated installations and sandboxes have addresses of their own, over http too."""
    extra = ["http://127.0.0.1:8001", "https://braze.example.org"]

    assert rest_endpoint("http://127.0.0.1:8001/", extra) == "http://127.0.0.1:8001"
    assert rest_endpoint("https://braze.example.org:443", extra) == "https://braze.example.org"
    with pytest.raises(UnknownHost):
        rest_endpoint("http://127.0.0.1:8002", extra)


def test_instances_have_the_names_that_braze_gives_them() -> None:
    """People know theirs by that, not by its address."""
    names = [one.name for one in INSTANCES]

    assert names[:8] == [f"US-0{number}" for number in range(1, 9)]
    assert names[8:] == ["US-10", "EU-01", "EU-02", "AU-01", "ID-01", "JP-01", "KR-01"]
    assert INSTANCES[0].dashboard_host == "dashboard-01.braze.com"
