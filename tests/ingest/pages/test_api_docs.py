"""The page of the management API."""

import pytest

from ingest.pages.protection import CONTENT_SECURITY_POLICY
from tests.visitor import Visitor, tags, words


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/"])
def test_the_page_is_for_everybody_and_wears_the_pages_clothes(path: str, stranger: Visitor) -> None:
    """It is documentation: whoever writes a program against the API may not have the password."""
    answer = stranger.client.get(path)

    assert answer.status_code == 200
    assert 'aria-current="page">API</a>' in answer.text
    assert "press Authorize" in words(answer)
    (place,) = [tag for tag in tags(answer, "div") if "data-description" in tag]
    assert stranger.client.get(str(place["data-description"])).get_json()["openapi"]


def test_the_page_needs_nobody_else_and_runs_nothing_inline(stranger: Visitor) -> None:
    """It must work in a closed network, tell nobody that it was opened, and keep the policy of all pages."""
    answer = stranger.open("/api/docs")

    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "style=" not in answer.text
    addresses = [tag["src"] for tag in tags(answer, "script")] + [tag["href"] for tag in tags(answer, "link")]
    assert "/api/docs/assets/swagger-ui-bundle.js" in addresses
    for address in addresses:
        assert address is not None
        assert address.startswith("/")
        with stranger.client.get(address) as asset:
            assert asset.status_code == 200


def test_the_page_knows_who_is_signed_in_and_how_they_read(visitor: Visitor) -> None:
    """Its path begins as those of programs do, which have no session."""
    visitor.send("/api/docs", to="/language", language="pt")

    answer = visitor.open("/api/docs")
    assert '<html lang="pt-BR">' in answer.text
    assert 'data-testid="sign-out"' in answer.text


def test_beside_the_page_programs_still_get_problems(stranger: Visitor) -> None:
    """One page among their paths does not make their answers pages."""
    for path in ("/api/docs/nothing", "/api/v1/nothing"):
        answer = stranger.client.get(path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
