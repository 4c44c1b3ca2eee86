import pytest

from schemas.integration import BrazeTarget
from tests.fakes import FakeBraze
from workers.braze.client import BrazeClient
from workers.braze.probe import probe

TARGET = BrazeTarget("https://rest.iad-03.braze.com", "acme")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (201, [("host", True), ("key", True), ("permission", True)]),
        (401, [("host", True), ("key", False)]),
        (403, [("host", True), ("key", True), ("permission", False)]),
        (404, [("host", False)]),
        (302, [("host", False)]),
        (503, [("host", True), ("key", False)]),
    ],
)
def test_each_line_says_what_is_right_and_the_last_what_is_wrong(status: int, told: list[tuple[str, bool]]) -> None:
    """One "it does not work" would leave three places to look at."""
    braze = FakeBraze()
    braze.will_answer(status)

    lines = probe(TARGET, "an-example-of-a-key-0000", client=BrazeClient(session=braze.session))

    assert [(name, right) for name, right, _ in lines] == told


def test_it_writes_to_nobody() -> None:
    """A test that makes a profile would be a write to a customer's books."""
    braze = FakeBraze()

    probe(TARGET, "an-example-of-a-key-0000", client=BrazeClient(session=braze.session))

    [body] = braze.bodies
    [nobody] = body["attributes"]
    assert nobody["_update_existing_only"] is True
    assert "email" not in nobody


def test_a_key_is_never_repeated() -> None:
    """Braze's 401 holds it."""
    braze = FakeBraze()
    braze.will_answer(401, {"message": "Invalid API key: an-example-of-a-key-0000"})

    lines = probe(TARGET, "an-example-of-a-key-0000", client=BrazeClient(session=braze.session))

    assert "an-example" not in str(lines)
