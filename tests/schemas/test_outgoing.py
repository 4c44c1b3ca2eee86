from schemas.outgoing import SEND_KINDS, unpacked
from schemas.person import Person
from tests.messages import a_message


def test_a_message_is_unpacked_as_it_was_packed() -> None:
    """Numbers, lists and people survive the way through the store."""
    message = a_message("ann", kind="canvas", big=2**60, part=0.1, list=[None, "ü"], none=None)._replace(
        person=Person("user_alias", "ann@example.com", "email"), at_ms=1795176000000
    )

    assert unpacked(message.kind, message.id, message.packed()[2]) == message


def test_kinds_keep_their_numbers() -> None:
    """Wake-up calls that are on their way name them so."""
    assert SEND_KINDS == ("campaign", "canvas", "transactional")
