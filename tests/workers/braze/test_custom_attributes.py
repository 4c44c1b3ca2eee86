import time
from typing import Any

import pytest

from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import Settings
from tests.fakes import FakeBraze
from workers.braze.client import BrazeClient
from workers.braze.custom_attributes import MOST_PAGES, Fixed, Listed, Page, list_attributes, read_page
from workers.braze.reply import NoAnswer, NotAllowed

HOST, KEY = "https://rest.iad-03.braze.com", "an-example-of-a-key-0000"


def page(*names: str) -> dict[str, Any]:
    return {"message": "success", "attributes": [{"name": name, "data_type": "Number"} for name in names]}


def link(cursor: str) -> dict[str, object]:
    return {"Link": f'<https://elsewhere.example.org/custom_attributes?cursor={cursor}>; rel="next"'}


def client_of(braze: FakeBraze) -> BrazeClient:
    return BrazeClient(session=braze.session)


def test_all_pages_are_read_from_the_host_itself() -> None:
    """The address of the next page is Braze's word, and the key goes nowhere by somebody's word."""
    braze = FakeBraze().will_answer(200, page("a"), **link("b%2Fc%3D")).will_answer(200, page("d"))

    found = list_attributes(client_of(braze), HOST, KEY)

    assert found == Listed([Fixed("a", "Number", "Active"), Fixed("d", "Number", "Active")], complete=True)
    assert [request.url for request in braze.requests] == [
        f"{HOST}/custom_attributes",
        f"{HOST}/custom_attributes?cursor=b%2Fc%3D",
    ]


def test_a_list_without_end_is_left() -> None:
    """Braze counts the calls, and somebody is waiting."""
    braze = FakeBraze()
    for _ in range(MOST_PAGES + 1):
        braze.will_answer(200, page("a"), **link("again"))

    found = list_attributes(client_of(braze), HOST, KEY)

    assert isinstance(found, Listed)
    assert (len(found.attributes), found.complete, len(braze.requests)) == (MOST_PAGES, False, MOST_PAGES)


def test_an_answer_that_is_no_list_is_told() -> None:
    """A key that may not read is no mistake."""
    assert isinstance(list_attributes(client_of(FakeBraze().will_answer(403)), HOST, KEY), NotAllowed)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"attributes": 7}'])
def test_a_success_that_cannot_be_read_is_none(body: bytes) -> None:
    """A proxy may answer in its own words."""
    assert isinstance(read_page(200, {}, body, secret=KEY, now_s=0), NoAnswer)


def test_strange_attributes_are_passed_over() -> None:
    """Only what has a name can be compared."""
    body = b'{"attributes": [7, {"name": null}, {"name": "a", "data_type": 7, "status": "Blocklisted"}]}'

    read = read_page(200, {}, body, secret=KEY, now_s=0)

    assert isinstance(read, Page)
    assert read.attributes == [Fixed("a", "", "Blocklisted")]


def test_the_sandbox_s_pages_are_understood() -> None:
    """Both are made after the same pages of Braze's."""
    client = create_app(Sandbox(Settings(delay_ms=(0, 0)), public_url=HOST)).test_client()
    headers = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo"}
    named = {f"score_{number:02}": number for number in range(60)}
    client.post("/users/track", headers=headers, json={"attributes": [{"external_id": "jo", **named}]})

    answer = client.get("/custom_attributes", headers=headers)
    read = read_page(answer.status_code, dict(answer.headers), answer.data, secret=KEY, now_s=0)

    assert isinstance(read, Page)
    assert (len(read.attributes), read.cursor) == (50, "score_49")
    assert read.attributes[0] == Fixed("score_00", "Number", "Active")


@pytest.mark.parametrize("piece", ["<?cursor=a", "?cursor=a", "<?cursor=a>;", "<?cursor=a> "])
def test_a_header_that_repeats_itself_is_read_in_time(piece: str) -> None:
    """Trying every start with every end took a minute for a header that a client still accepts."""
    started = time.process_time()

    read_page(200, {"Link": piece * (60_000 // len(piece))}, b'{"attributes":[]}', secret="k", now_s=0)

    assert time.process_time() - started < 0.5
