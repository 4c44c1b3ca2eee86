import pytest

from schemas.integration import Integration
from schemas.mapping import AttributeRule, SendRule, Source
from tests.factories import an_integration
from tests.fakes import FakeBraze
from workers.braze.client import BrazeClient
from workers.braze.probe import probe

KEY = "an-example-of-a-key-0000"
#: Only Braze's own attributes, and no messages.
PLAIN = an_integration(attributes=(AttributeRule("first_name", Source(field=("fields", "first_name"))),))
ON_SUCCESS = [("host", True), ("key", True), ("permission", True)]


def asked(braze: FakeBraze, integration: Integration) -> list[tuple[str, bool, str]]:
    return probe(integration, KEY, client=BrazeClient(session=braze.session))


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (201, ON_SUCCESS),
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

    lines = asked(braze, PLAIN)

    assert [(name, right) for name, right, _ in lines] == told


def test_it_writes_to_nobody() -> None:
    """A test that makes a profile would be a write to a customer's books."""
    braze = FakeBraze()

    asked(braze, PLAIN)

    [body] = braze.bodies
    [nobody] = body["attributes"]
    assert nobody["_update_existing_only"] is True
    assert "email" not in nobody


def test_a_key_is_never_repeated() -> None:
    """Braze's 401 holds it."""
    braze = FakeBraze()
    braze.will_answer(401, {"message": "Invalid API key: an-example-of-a-key-0000"})

    lines = asked(braze, PLAIN)

    assert "an-example" not in str(lines)


def test_the_permission_for_messages_is_asked_of_a_campaign_that_cannot_exist() -> None:
    """Nothing could be sent, and nobody would get it."""
    braze = FakeBraze()
    braze.will_answer(201).will_answer(400, {"message": "Invalid Campaign ID"}).will_answer(403)
    sends = (SendRule("campaign", "c0ffee"), SendRule("canvas", "ca11ab1e"), SendRule("canvas", "another"))

    lines = asked(braze, an_integration(attributes=(), sends=sends))

    assert [(name, right) for name, right, _ in lines[3:]] == [
        ("campaigns.trigger.send", True),
        ("canvas.trigger.send", False),
    ]
    _, campaign, canvas = braze.bodies
    assert [campaign["campaign_id"], canvas["canvas_id"]] == ["komo-braze-test"] * 2
    for body in (campaign, canvas):
        [recipient] = body["recipients"]
        assert recipient.keys() == {"external_user_id"}
        assert recipient["external_user_id"].startswith("komo-braze-test-")
        assert "broadcast" not in body


def test_a_transactional_campaign_that_does_not_exist_says_that_the_key_may() -> None:
    """404 is what Braze says of an id it does not know."""
    braze = FakeBraze().will_answer(201).will_answer(404, {"message": "Campaign does not exist"}).will_answer(201)
    integration = an_integration(attributes=(), sends=(SendRule("transactional", "c0ffee"),))

    assert asked(braze, integration)[3][:2] == ("transactional.send", True)
    assert (braze.requests[1].url or "").endswith("/transactional/v1/campaigns/komo-braze-test/send")


def test_a_send_nobody_can_tell_about_is_not_wrong() -> None:
    """Braze may be busy; the line says that it was not checked."""
    braze = FakeBraze().will_answer(201).will_answer(429)

    [line] = asked(braze, an_integration(attributes=(), sends=(SendRule("campaign", "c0ffee"),)))[3:]

    assert line == ("campaigns.trigger.send", True, "Not checked: Braze answered 429.")


def test_types_that_braze_has_fixed_are_compared() -> None:
    """It ignores values of another type, without a word."""
    told = [{"name": "team", "data_type": "Number", "status": "Active"}]
    braze = FakeBraze().will_answer(201).will_answer(200, {"message": "success", "attributes": told})

    lines = asked(braze, an_integration())

    assert [name for name, right, _ in lines if not right] == ["team"]
    request = braze.requests[1]
    assert (request.method, request.body) == ("GET", b"")
    assert (request.url or "").endswith("/custom_attributes")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, {"attributes": []}, "Nothing stands against the custom attributes in Braze (all of them compared)."),
        (403, None, "Not checked: the key lacks the permission custom_attributes.get."),
        (503, None, "Not checked: Braze answered 503."),
        (200, "<html>", "Not checked: Braze answered 200."),
    ],
)
def test_where_types_cannot_be_read_the_test_says_so(status: int, body: object, sentence: str) -> None:
    """Most keys have no such permission, and need none."""
    braze = FakeBraze().will_answer(201).will_answer(status, body)

    assert asked(braze, an_integration())[3:] == [("types", True, sentence)]


def test_a_list_that_was_not_read_to_its_end_is_not_called_whole() -> None:
    """What was not compared may be wrong."""
    more = {"Link": '<https://rest.iad-03.braze.com/custom_attributes?cursor=x>; rel="next"'}
    braze = FakeBraze().will_answer(201).will_answer(200, {"attributes": []}, **more).will_answer(500)

    [(_, right, sentence)] = asked(braze, an_integration())[3:]

    assert right
    assert "the first 0" in sentence
