import re

import orjson
import pytest

from schemas.outgoing import unpacked
from schemas.person import Person
from tests.messages import CAMPAIGN, CANVAS, a_message
from workers.send_pack import pack_sends, waiting
from workers.triggers import Send


def test_a_campaign_s_recipients_travel_together_each_with_their_own_data() -> None:
    """One call, fifty people, and nobody reads somebody else's prize."""
    request = pack_sends([a_message("ann", prize="Cap"), a_message("bob")])

    assert request.path == "/campaigns/trigger/send"
    assert orjson.loads(request.content) == {
        "campaign_id": CAMPAIGN,
        "recipients": [
            {"external_user_id": "ann", "trigger_properties": {"prize": "Cap"}},
            {"external_user_id": "bob"},
        ],
    }


def test_a_canvas_takes_the_data_as_its_context() -> None:
    """The same thing under another name."""
    request = pack_sends([a_message("ann", kind="canvas", braze_id=CANVAS, prize="Cap")])

    assert request.path == "/canvas/trigger/send"
    assert request.body == {
        "canvas_id": CANVAS,
        "recipients": [{"external_user_id": "ann", "context": {"prize": "Cap"}}],
    }


def test_a_transactional_message_has_a_key_that_its_submission_and_rule_decide() -> None:
    """So that asking twice sends once."""
    message = a_message("ann", kind="transactional", number=3, prize="Cap")
    request = pack_sends([message])

    assert request.path == f"/transactional/v1/campaigns/{CAMPAIGN}/send"
    assert request.body == {
        "external_send_id": f"{message.submission_id}-1",
        "trigger_properties": {"prize": "Cap"},
        "recipient": {"external_user_id": "ann"},
    }
    assert re.fullmatch(r"[a-zA-Z0-9-_+\/=]+", message.key)
    assert message.key != message._replace(rule=2).key


@pytest.mark.parametrize(
    ("person", "named"),
    [
        (Person("external_id", "x"), {"external_user_id": "x"}),
        (Person("braze_id", "x"), {"braze_id": "x"}),
        (Person("user_alias", "x", "email"), {"user_alias": {"alias_name": "x", "alias_label": "email"}}),
        (Person("email", "x@y.z"), {"email": "x@y.z", "prioritization": ["identified", "most_recently_updated"]}),
    ],
)
def test_a_recipient_has_exactly_one_identifier(person: Person, named: dict[str, object]) -> None:
    """An address needs a way to choose between the profiles that share it."""
    assert pack_sends([a_message()._replace(person=person)]).body["recipients"] == [named]


def test_nobody_unnamed_is_ever_sent_anything() -> None:
    """A call without recipients could reach everybody."""
    with pytest.raises(ValueError, match="one message for each"):
        pack_sends([])


def test_what_does_not_belong_together_is_no_call() -> None:
    """Two campaigns, somebody twice, or two people of a transactional message."""
    for messages in (
        [a_message("ann"), a_message("bob", braze_id=CANVAS)],
        [a_message("ann", n=1), a_message("ann", n=2)],
        [a_message("ann", kind="transactional"), a_message("bob", kind="transactional")],
    ):
        with pytest.raises(ValueError, match="one"):
            pack_sends(messages)


def test_what_the_rules_ask_for_waits_as_a_message_each() -> None:
    """With all that is needed later: the document may have changed by then."""
    ann = Person("external_id", "ann")
    rules = (Send(1, "campaign", CAMPAIGN, {"prize": "Cap"}), Send(3, "canvas", CANVAS, {}))

    one, other = (unpacked(kind, braze_id, text) for kind, braze_id, text in waiting(rules, ann, "50c4", 7))  # type: ignore[arg-type]

    assert one == a_message("ann", prize="Cap")._replace(submission_id="50c4", at_ms=7)
    assert (other.kind, other.id, other.rule) == ("canvas", CANVAS, 3)
