from ingest.sandbox.hub.visitor import Visitor, known_by


def test_what_a_form_told_is_known_afterwards_but_for_the_consent() -> None:
    """Consent belongs to the form in which it was given, and an empty field tells nothing."""
    before = Visitor("s", "c", "u", attributes={"mobile": "0491 570 006"})

    after = known_by(before, {"email": "mira@example.com", "mobile": "", "optin": "true"})

    assert after.attributes == {"email": "mira@example.com", "mobile": "0491 570 006"}
